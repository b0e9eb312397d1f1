"""What FindTorch.cmake finds and refuses, on folders with nothing of LibTorch but what it looks at.

    find_test.py CMAKE MODULE_DIR
"""
import pathlib
import re
import subprocess
import sys
import tempfile

cmake, modules = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
failures = 0
NEW, OLD = "include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(finds NONE)
list(PREPEND CMAKE_MODULE_PATH "{modules}")
find_package(Torch MODULE {required})
message("FOUND=${{Torch_FOUND}} VERSION=${{Torch_VERSION}} BUILD=${{Torch_BUILD}} AT=${{Torch_LIBRARY_DIR}} WHY=${{Torch_NOT_FOUND_MESSAGE}}")
"""


def libtorch(prefix, version=(2, 12, 0), header=NEW, files=("lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h"), abi="NSt7__cxx1112basic_string", more=()):
    for file in (*files, *more, "share/cmake/Torch/TorchConfig.cmake"):
        (prefix / file).parent.mkdir(parents=True, exist_ok=True)
        (prefix / file).write_bytes(f"\x7fELF\0_ZN3c105ErrorC1ENS_14SourceLocationE{abi}\0".encode())
    if header:
        (prefix / header).parent.mkdir(parents=True, exist_ok=True)
        (prefix / header).write_text("".join(f"#define TORCH_VERSION_{part} {value}\n" for part, value in zip(("MAJOR", "MINOR", "PATCH"), version)))
    return prefix / "share/cmake/Torch"


def finds(name, make, pattern, torch_dir=None, required="REQUIRED", code=None):
    global failures
    with tempfile.TemporaryDirectory(prefix="find torch ") as folder:  # with a blank
        folder = pathlib.Path(folder)
        (folder / "CMakeLists.txt").write_text(PROJECT.format(modules=modules, required=required))
        place = make(folder / "lib torch")
        given = [f"-DTorch_DIR={torch_dir(folder) if torch_dir else place}"] if place else []
        done = subprocess.run([cmake, "-S", folder, "-B", folder / "build", *given], capture_output=True, text=True)
        text = re.sub(r"\s+", " ", done.stdout + done.stderr).replace(str(folder), "FOLDER")
        expected = code if code is not None else ("FOUND=TRUE" not in pattern)
        if not re.search(pattern, text) or done.returncode != expected:
            failures += 1
            print(f"FAILED {name}: exit code {done.returncode}, and nothing like `{pattern}` in:\n{text}")


REMEDY = r"set Torch_DIR to share/cmake/Torch of a LibTorch 2\.7 to 2\.13"
finds("a CPU build", libtorch, r"FOUND=TRUE VERSION=2\.12\.0 BUILD=CPU AT=FOLDER/lib torch/lib")
finds("a CUDA build", lambda p: libtorch(p, more=("lib/libtorch_cuda.so",)), r"FOUND=TRUE VERSION=2\.12\.0 BUILD=CUDA")
finds("the version where 2.7 has it", lambda p: libtorch(p, (2, 7, 1), OLD), r"FOUND=TRUE VERSION=2\.7\.1")
finds("Torch_DIR is the folder itself", libtorch, r"FOUND=TRUE VERSION=2\.12\.0", lambda folder: folder / "lib torch")
finds("newer than was tested", lambda p: libtorch(p, (2, 14, 0)), r"tested with LibTorch 2\.7 to 2\.13; this is 2\.14\.0.*FOUND=TRUE")
finds("no LibTorch", lambda p: None, rf"marginalia: there is no LibTorch here; {REMEDY}")
finds("too old", lambda p: libtorch(p, (1, 13, 1), OLD), rf"marginalia: LibTorch in FOLDER/lib torch is 1\.13\.1, which is too old; {REMEDY}")
finds("half of one", lambda p: libtorch(p, files=("lib/libtorch_cpu.so",)),
      r"marginalia: Torch_DIR is FOLDER/lib torch/share/cmake/Torch, but FOLDER/lib torch has no lib/libtorch_cpu\.so, lib/libc10\.so and include/ATen/ATen\.h")
finds("the old ABI", lambda p: libtorch(p, abi="Ss"), r"marginalia: LibTorch in FOLDER/lib torch was built with the C\+\+ ABI of before C\+\+11")
finds("no version", lambda p: libtorch(p, header=None), r"marginalia: the headers of LibTorch in FOLDER/lib torch do not say their version")
finds("a folder that is not there", libtorch, r"marginalia: Torch_DIR is /nowhere/share/cmake/Torch, but /nowhere has no", lambda folder: "/nowhere/share/cmake/Torch")
finds("not required", lambda p: libtorch(p, (1, 13, 1)), r"FOUND=FALSE .*WHY=LibTorch in FOLDER/lib torch is 1\.13\.1, which is too old", required="QUIET", code=0)
print(failures, "failures")
sys.exit(failures > 0)
