"""What `doctor` and `run` say where the LibTorch that is loaded is another than the one built with, or where a driver is there and
LibTorch cannot use it. The driver and LibTorch's CUDA half are pretended (*.cpp beside this file).

    worker_test.py MARGINALIA FAKES TORCH_LIBRARY_DIR
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from small_trial import EXPERIMENT

program, fakes, torch = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
cuda_build = (torch / "libtorch_cuda.so").exists()
failures = 0


def said(words, folder, **surroundings):
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "NO_COLOR": "1", **surroundings})
    return done.returncode, done.stdout + done.stderr


def expect(name, found, code, *patterns):
    global failures
    for pattern in patterns:
        if found[0] != code or not re.search(pattern, found[1], re.M):
            failures += 1
            print(f"FAILED {name}: exit code {found[0]} (not {code}?) or no line like `{pattern}` in:\n{found[1]}")


def torch_with(folder, cuda_half):
    """This LibTorch with another CUDA half, or none, as a folder of links that goes before the program's own."""
    place = pathlib.Path(folder, "torch")
    place.mkdir()
    for library in torch.glob("*.so*"):
        if library.name != "libtorch_cuda.so":
            (place / library.name).symlink_to(library)
    if cuda_half:
        (place / "libtorch_cuda.so").symlink_to(cuda_half)
    return place


def with_driver(cuda_half, driver="driver", words=("doctor",)):
    with tempfile.TemporaryDirectory() as folder:
        place = torch_with(folder, cuda_half)
        nvidia = [str(libraries) for libraries in torch.parent.parent.glob("nvidia/*/lib")]  # found through a run path otherwise
        return said(words, folder, LD_LIBRARY_PATH=":".join([str(fakes / driver), str(place), *nvidia]))


version = r"\d+\.\d+\.\d+"
with tempfile.TemporaryDirectory() as folder:
    expect("as it is", said(["doctor"], folder), 0, rf"LibTorch +{version}, C[PU][UD]A?( {version[:-5]})? build, {torch}")
    preloaded = shutil.copy(fakes / "version/other_version.so", folder)  # where no blank parts the list
    expect("another version", said(["doctor"], folder, LD_PRELOAD=preloaded), 3,
           rf"this marginalia was built with LibTorch {version}, but .*libtorch_cpu\.so is 2\.7\.1; build again \(`make`\), or put {version} back")
    (pathlib.Path(folder) / "libtorch_cpu.so").symlink_to(fakes / "empty/libtorch_cpu.so")
    (pathlib.Path(folder) / "libc10.so").symlink_to(torch / "libc10.so")
    expect("no LibTorch in it", said(["doctor"], folder, LD_LIBRARY_PATH=folder), 3,
           r"marginalia-worker does not start: the LibTorch that it was built with is missing, or another lies in its place; build again "
           r"with `make`, or put it back \(.*undefined symbol")
expect("a CPU build beside a driver", with_driver(None), 0, r"NVIDIA driver +.*CUDA 13\.0$", r"GPU 0 +Pretend GPU, 80\.0 GiB, not used$",
       r"CUDA +this LibTorch is a CPU build; (`.*pip install --force-reinstall torch==|put a CUDA build of LibTorch )")
expect("CUDA libraries missing", with_driver(fakes / "broken/libtorch_cuda.so"), 0,
       r"CUDA +LibTorch's CUDA libraries are not all there \(libnowhere\.so: cannot open shared object file: No such file or directory\); "
       r"(`.*pip install torch==|put a CUDA build of LibTorch )")
expect("a CUDA half that sees no GPU", with_driver(fakes / "cuda/libtorch_cuda.so"), 0,
       r"CUDA +LibTorch's CUDA.* cannot use this driver, which runs CUDA up to the version named above; install a newer driver, or a LibTorch")
expect("a driver that fails", with_driver(fakes / "cuda/libtorch_cuda.so", "failing"), 0,
       r"CUDA +the NVIDIA driver fails: system has unsupported display driver / cuda driver combination; see to it with nvidia-smi")
pretended = fakes / "pretended/libtorch_cuda.so"  # whose tensors lie in the host's memory
expect("a GPU that can be used", with_driver(pretended), 0, r"NVIDIA driver +.*CUDA 13\.0$",
       r"GPU 0 +Pretend GPU, 80\.0 GiB, used as cuda:0$")
expect("check-plugin on a GPU", with_driver(pretended, words=("check-plugin", "block-gibbs", "--device", "cuda")), 0,
       r"the checks' own network +4 sites of 3 categories, a table of known p, on cuda:0$", r"12 checks passed, 0 failed")
expect("check-plugin on a GPU that is not there", with_driver(None, words=("check-plugin", "mam-energy", "--device", "cuda")), 2,
       r"no GPU can be used here, and --device asks for one; see `marginalia doctor`")

with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder, "small.toml")
    file.write_text(EXPERIMENT)
    expect("run on a GPU", with_driver(pretended, words=("run", file, "run.device=cuda:0", "name=on-gpu")), 0,
           r"on-gpu: 1 of 1 trial done")
    expect("run on the CPU for want of CUDA", with_driver(None, words=("run", file)), 0,
           r"^no GPU is used: this LibTorch is a CPU build; ", r"small: 1 of 1 trial done")
    expect("run with a device that cannot be used", with_driver(None, words=("run", file, "run.device=cuda:0")), 2,
           r"no GPU is used: this LibTorch is a CPU build; ", r"run\.device: there is no 'cuda:0' here; LibTorch sees 0 CUDA devices")
print("LibTorch is a", "CUDA" if cuda_build else "CPU", "build;", failures, "failures")
sys.exit(failures > 0)
