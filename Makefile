# A thin front on scripts/ and CMakePresets.json. `make` builds the programs and plugins, `make demo` runs the main job,
# `make test` tests; each first does whatever set-up is still missing.
PRESET ?= release

.PHONY: all setup build demo test bench install package site release-check clean
all: build

setup:
	@scripts/setup

build: setup
	@scripts/build $(PRESET)

demo:
	@scripts/demo $(PRESET)

test: setup
	@scripts/build $(PRESET) all tests/all bench/all
	@ctest --test-dir build/$(PRESET) --output-on-failure -LE slow -j$$(nproc) --repeat until-pass:2

bench: setup
	@scripts/build $(PRESET) all bench/all
	@scripts/bench build/$(PRESET)

install: build
	@cmake --install build/$(PRESET) $(if $(PREFIX),--prefix "$(PREFIX)")

package: build
	@scripts/package $(PRESET)

site:
	@scripts/site $(PRESET)

release-check: build
	@scripts/release-check $(PRESET) $(CHECKS)

clean:
	rm -rf build
