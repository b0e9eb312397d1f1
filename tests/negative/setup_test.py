"""scripts/setup on machines that lack something: it says in a sentence what, and what to do; and it fetches what the machine can use.
apt, dpkg, df, sudo, venv and pip are pretended, the NVIDIA driver is tests/libtorch/driver.

    setup_test.py SOURCE_DIR FAKES
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source, fakes = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = 0
TOOLS = {
    "dpkg-query": 'echo "${FAKE_INSTALLED-install ok installed}"',
    "apt-get": 'echo "apt-get $*" >>"$LOG"\n'
               'case "$*" in *--assume-no*) echo "Need to get 96.2 MB of archives."; exit 1 ;; *${FAKE_APT_FAILS:-never}*) echo "E: no route" >&2; exit 100 ;; esac',
    "df": 'printf "Filesystem 1024-blocks Used Available Capacity Mounted\\nx 1 1 ${FAKE_FREE:-50000000} 1 /\\n"',
    "id": 'echo "${FAKE_UID:-0}"',
    "sudo": "exit 1",
    "ldd": 'echo "${FAKE_LDD:-}"',
    "python3": """case "$*" in
"-m venv .venv")
    [ -z "${FAKE_NO_VENV:-}" ] || { echo "ensurepip is not available" >&2; exit 1; }
    mkdir -p .venv/bin .venv/lib/python3.11/site-packages/torch/lib && cp "$0" .venv/bin/python3 ;;
"-m pip"*)
    echo "pip ${*#*install}" >>"$LOG"
    case "$*" in *"${FAKE_PIP_FAILS:-never}"*) echo "ERROR: no matching distribution" >&2; exit 1 ;; esac
    mkdir -p "$SITE/torch-9.dist-info"
    printf "Metadata-Version: 2.1\\nName: torch\\nVersion: 9\\n$FAKE_WHEEL" >"$SITE/torch-9.dist-info/METADATA" ;;
*) PYTHONPATH="$SITE" exec REAL_PYTHON "$@" ;;
esac""",
}
CPU = "Requires-Dist: filelock\\n"
CUDA_13 = CPU + 'Requires-Dist: cuda-toolkit[cublas,cudart,cupti]==13.0.3; platform_system == "Linux"\\nRequires-Dist: nvidia-nccl-cu13==2.29.7; x == "y"\\n'
CUDA_12 = CPU + 'Requires-Dist: nvidia-cuda-runtime-cu12==12.8.90; x == "y"\\nRequires-Dist: nvidia-cuda-cupti-cu12==12.8.90; x == "y"\\nRequires-Dist: nvidia-cublas-cu12==12.8.4.1; x == "y"\\n'


class Machine:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder, "a clone")  # with a blank
        self.tools, self.log = pathlib.Path(folder, "tools"), pathlib.Path(folder, "log")
        (self.folder / "scripts").mkdir(parents=True)
        shutil.copy(source / "scripts/setup", self.folder / "scripts/setup")
        self.tools.mkdir()
        for name, body in TOOLS.items():
            file = self.tools / name
            file.write_text("#!/bin/bash\n" + body.replace("REAL_PYTHON", sys.executable) + "\n")
            file.chmod(0o755)
        (pathlib.Path(folder) / "site").mkdir()
        self.site = pathlib.Path(folder) / "site"

    def setup(self, before="", **given):
        self.log.write_text("")
        surroundings = {"PATH": f"{self.tools}:/usr/bin:/bin", "LOG": str(self.log), "SITE": str(self.site), "FAKE_WHEEL": CPU, "HOME": "/nowhere"}
        done = subprocess.run(["bash", "-c", f"{before} scripts/setup"], cwd=self.folder, capture_output=True, text=True, env=surroundings | given)
        return done.returncode, done.stderr, self.log.read_text()


def expect(name, found, code, *patterns, never=None):
    global failures
    text = found[1] + found[2]
    wrong = [pattern for pattern in patterns if not re.search(pattern, text, re.M)]
    if found[0] != code or wrong or (never and re.search(never, text, re.M)):
        failures += 1
        print(f"FAILED {name}: exit code {found[0]}, not {code}; missing {wrong}; never {never}; in:\n{text}")


def on_machine(name, code, *patterns, never=None, **given):
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder)
        expect(name, machine.setup(**given), code, *patterns, never=never)


driver = {"LD_LIBRARY_PATH": str(fakes / "driver")}
on_machine("a CPU wheel", 0, r"fetching LibTorch \(torch 2\.13\.0\) without CUDA libraries into \.venv, as this machine has no NVIDIA driver: at most 550 MB",
           r"^pip .*--no-deps torch==2\.13\.0$", r"^pip .*torch==2\.13\.0 numpy$", r"LibTorch 2\.13\.0 is in \.venv", never="apt-get")
on_machine("a CUDA 13 wheel without a driver", 0, r"^pip .*--no-deps torch==2\.13\.0$", r"^pip .* cuda-toolkit\[cudart,cupti\]==13\.0\.3$",
           never="torch==2.13.0 numpy", FAKE_WHEEL=CUDA_13)
on_machine("a CUDA 12 wheel without a driver", 0, r"^pip .* nvidia-cuda-runtime-cu12==12\.8\.90 nvidia-cuda-cupti-cu12==12\.8\.90$",
           never="cublas|numpy", FAKE_WHEEL=CUDA_12, MARGINALIA_TORCH_VERSION="2.10.0")
on_machine("a CUDA wheel that needs more", 0, r"also needs libcufile\.so\.0 so all of its CUDA libraries are fetched: about 3 GB", r"^pip .* torch==2\.13\.0$",
           FAKE_WHEEL=CUDA_13, FAKE_LDD="\tlibcufile.so.0 => not found")
on_machine("with a driver", 0, r"with its CUDA libraries into \.venv, for this machine's NVIDIA driver: about 3 GB", r"^pip .*torch==2\.13\.0 numpy$",
           never="no-deps", FAKE_WHEEL=CUDA_13, **driver)
on_machine("CUDA libraries for another machine", 0, r"with its CUDA libraries .*as MARGINALIA_CUDA=1 asks", never="no-deps", MARGINALIA_CUDA="1")
on_machine("no CUDA libraries though there is a driver", 0, r"without CUDA libraries .*as MARGINALIA_CUDA=0 asks", r"no-deps", MARGINALIA_CUDA="0", **driver)
on_machine("a LibTorch of one's own", 0, never="pip|fetching", Torch_DIR="/somewhere/share/cmake/Torch")

on_machine("a word for a switch", 1, r"MARGINALIA_CUDA is yes; give 1 for CUDA libraries or 0 for none", MARGINALIA_CUDA="yes")
on_machine("a version that is too old", 1, r"MARGINALIA_TORCH_VERSION is 2\.6\.0; LibTorch 2\.7 to 2\.13 is supported", never="pip", MARGINALIA_TORCH_VERSION="2.6.0")
on_machine("system packages", 0, r"installing system packages, 96\.2 MB to fetch: cmake ninja-build", r"^apt-get install -y .* librdkit-dev", FAKE_INSTALLED="no")
on_machine("no root", 1, r"root is needed once: run  sudo apt-get install --no-install-recommends cmake .*and then make again", never="apt-get (update|install -y)",
           FAKE_INSTALLED="no", FAKE_UID="1000")
on_machine("no network for apt", 1, r"E: no route", r"apt-get update failed \(its words are above\); see to the machine's network and package sources",
           FAKE_INSTALLED="no", FAKE_APT_FAILS="update")
on_machine("a package that apt does not have", 1, r"apt-get could not install: cmake .*\(its words are above\)", FAKE_INSTALLED="no", FAKE_APT_FAILS="install -y")
on_machine("no network for pip", 1, r"ERROR: no matching", r"pip could not install LibTorch \(its words are above\); see to the network, then run make again; or set Torch_DIR",
           FAKE_PIP_FAILS="torch")
on_machine("no pip", 1, r"python3 -m venv failed \(its words are above\); the package python3-venv has what it needs", FAKE_NO_VENV="1")
on_machine("little disk", 1, r"a clone has 1 GB of free disk, and setting up and building take 4 GB; make room or clone to another disk", never="apt-get|pip",
           FAKE_FREE="1000000")
on_machine("little disk for CUDA", 1, r"has 5 GB of free disk, and setting up and building take 12 GB", never="^pip", FAKE_FREE="5000000", **driver)

with tempfile.TemporaryDirectory() as folder:
    machine = Machine(folder)
    expect("pip is interrupted", machine.setup(FAKE_WHEEL=CUDA_13, FAKE_PIP_FAILS="cuda-toolkit"), 1, "pip could not install")
    (machine.folder / ".venv/half").touch()
    expect("and begun again", machine.setup(FAKE_WHEEL=CUDA_13), 0, r"^pip .*--no-deps torch==2\.13\.0$", r"^pip .*cuda-toolkit")
    if (machine.folder / ".venv/half").exists():
        failures += 1
        print("FAILED: half of an environment was kept")
    expect("a second run", machine.setup(FAKE_WHEEL=CUDA_13), 0, never="pip|fetching|apt-get")
    expect("a driver appears", machine.setup(FAKE_WHEEL=CUDA_13, **driver), 0, r"with its CUDA libraries", r"^pip .*torch==2\.13\.0 numpy$")
    expect("the driver goes", machine.setup(FAKE_WHEEL=CUDA_13), 0, never="pip|fetching")
    expect("another version", machine.setup(MARGINALIA_TORCH_VERSION="2.12.0"), 0, r"^pip .*--no-deps torch==2\.12\.0$")

with tempfile.TemporaryDirectory() as folder:
    machine = Machine(folder)
    clone = f"'{machine.folder}'"
    read_only = f"mount --bind {clone} {clone} && mount -o remount,ro,bind {clone} && cd {clone} &&"
    if os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0:
        found = machine.setup(before=f"unshare --mount bash -c \"{read_only} scripts/setup\" || exit 1; exit 0;")
    else:
        machine.folder.chmod(0o555)
        found = machine.setup() if os.geteuid() != 0 else None
        machine.folder.chmod(0o755)
    if found:
        expect("a read-only clone", found, 1, r"a clone cannot be written to; clone into a folder of your own", never="apt-get|pip")
    else:
        print("skipped: a read-only clone, as root may write everywhere here")
print(failures, "failures")
sys.exit(failures > 0)
