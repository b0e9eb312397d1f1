# A thin front on scripts/ and CMakePresets.json. `make` builds, `make demo` runs the main job, `make test` tests;
# each first does whatever set-up is still missing.
PRESET ?= release
BUILD := build/$(PRESET)

.PHONY: all setup build demo test bench install clean
all: build

setup:
	@scripts/setup

build: setup
	@scripts/build $(PRESET)

demo: build
	@scripts/demo $(BUILD)

test: build
	@ctest --test-dir $(BUILD) --output-on-failure -LE slow -j$$(nproc)

bench: build
	@scripts/bench $(BUILD)

install: build
	@cmake --install $(BUILD) $(if $(PREFIX),--prefix $(PREFIX))

clean:
	rm -rf build
