"""What runs here: the GPU as the driver's management library (NVML) sees it, and this Python's PyTorch."""

import ctypes
import os
import pathlib
import platform
import subprocess
import sys
import threading
import time

NVML = "libnvidia-ml.so.1"
UNTIL_SEEN = 1.0  # seconds that NVML's share of busy time looks back, at most


class _Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class Nvml:
    """The first GPU that this process may use. Raises OSError where there is none."""

    def __init__(self, library=NVML):
        self.library = ctypes.CDLL(library)
        self.call("nvmlInit_v2")
        self.device = ctypes.c_void_p()
        entry = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
        if entry.startswith("GPU-"):
            self.call("nvmlDeviceGetHandleByUUID", entry.encode(), ctypes.byref(self.device))
        else:
            index = int(entry) if entry.isdigit() else 0
            self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(self.device))

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code != 0:
            raise OSError(f"{name} failed with {code}")

    def name(self):
        text = ctypes.create_string_buffer(96)
        self.call("nvmlDeviceGetName", self.device, text, ctypes.c_uint(len(text)))
        return text.value.decode()

    def driver(self):
        text = ctypes.create_string_buffer(96)
        self.call("nvmlSystemGetDriverVersion", text, ctypes.c_uint(len(text)))
        return text.value.decode()

    def memory(self):
        """Bytes in all, and used by whomever."""
        memory = _Memory()
        self.call("nvmlDeviceGetMemoryInfo", self.device, ctypes.byref(memory))
        return memory.total, memory.used

    def busy(self):
        """Percent of the last moments in which some kernel ran."""
        utilization = _Utilization()
        self.call("nvmlDeviceGetUtilizationRates", self.device, ctypes.byref(utilization))
        return utilization.gpu


class Watch:
    """Looks at the GPU 20 times a second, as long as the `with` lasts; without NVML it sees nothing."""

    def __init__(self, nvml, seconds=0.05):
        self.nvml, self.seconds, self.seen = nvml, seconds, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self.before = self.nvml.memory()[1] if self.nvml else 0
        if self.nvml:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.nvml:
            self.thread.join()

    def _look(self):
        while not self.over.wait(self.seconds):
            try:
                self.seen.append((time.time(), self.nvml.busy(), self.nvml.memory()[1]))
            except OSError:
                pass  # NVML misses a look now and then

    def busy_percent(self, since, until):
        """Mean share of busy time between two moments; None where that was not seen."""
        shares = [busy for when, busy, _ in self.seen if since + UNTIL_SEEN <= when <= until]
        return sum(shares) / len(shares) if shares else None

    def peak_bytes(self, since=0, until=float("inf")):
        """Most memory in use beyond what was in use before; None where nobody looked."""
        used = [used for when, _, used in self.seen if since <= when <= until]
        return max(used) - self.before if used else None


def open_nvml():
    try:
        return Nvml()
    except (OSError, AttributeError):
        return None


def torch_of(python=sys.executable):
    """(version, folder of its libraries, whether it sees a GPU) of a Python's PyTorch; or why there is none."""
    program = "import torch; print(torch.__version__, torch.__path__[0] + '/lib', torch.cuda.is_available(), sep='\\n')"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
    version, folder, sees = done.stdout.split("\n")[:3]
    return version, folder, sees == "True"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def system():
    """The distribution's name for itself."""
    try:
        facts = platform.freedesktop_os_release()
    except OSError:
        return platform.platform()
    return facts.get("PRETTY_NAME", "Linux") + f", glibc {platform.libc_ver()[1]}"
