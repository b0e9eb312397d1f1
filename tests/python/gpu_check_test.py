"""scripts/gpu-check: its arithmetic, its eyes on a pretended GPU, and its parts on the CPU.

gpu_check_test.py SOURCE_DIR BIN_DIR FAKE_NVML
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

source, programs, nvml = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
sys.dont_write_bytecode = True
sys.path.insert(0, str(source / "bench/gpu"))
import check  # noqa: E402
import machine  # noqa: E402
import product  # noqa: E402
import report  # noqa: E402
import training  # noqa: E402
import whole_trials  # noqa: E402

# 0.2 s a step for 450,000 steps is 25 hours. The first three of ten points warm up; the median of the rest is 2.
assert training.extrapolated(0.2, 450_000) == 25
points = [(step, 9 if step <= 3 else 2 + (step == 10), 100 + step) for step in range(1, 11)]
assert product.steady(points) == (2, 104, 110), product.steady(points)
try:
    product.steady(points[:1])
    raise SystemExit("one point times no step")
except product.Failed:
    pass

# Three trials, of which two overlap; a worker's next begins when its last ends.
clock = "2026-11-30T01:00:{:02}.000Z".format
trial = lambda begin, end: {"started": clock(begin), "finished": clock(end)}  # noqa: E731
assert whole_trials.at_once([trial(0, 10), trial(5, 20), trial(10, 30)]) == 2
assert [len(group) for group in check.groups(check.PARTS)][:3] == [1, 1, 4]

# 8e12 operations in a step of 20 ms are 400 TFLOP/s, half of a device's 800.
row = {"needed": {"operations": 8e12}, "step": 0.02, "precision": "bfloat16"}
assert report.share_of_limit(row, {"bfloat16": 8e14}) == ("400", "50")
assert report.share_of_limit(row, None) == ("400", "-")

# A pretended GPU that is 30 % busy, with 20 of 80 bytes in use, and one that is gone.
os.environ["CUDA_VISIBLE_DEVICES"] = "GPU-there,GPU-lost"
there = machine.Nvml(str(nvml))
assert (there.name(), there.driver(), there.memory(), there.busy()) == ("a pretended GPU", "580.1", (80, 20), 30)
began = time.time()
with machine.Watch(there, seconds=0.01) as watch:
    time.sleep(0.2)
assert watch.busy_percent(began - machine.UNTIL_SEEN, time.time()) == 30
assert watch.busy_percent(time.time(), time.time()) is None
assert watch.peak_bytes() == 0
os.environ["CUDA_VISIBLE_DEVICES"] = "GPU-lost"
try:
    machine.Nvml(str(nvml)).memory()
    raise SystemExit("a GPU that is gone has no memory")
except OSError:
    pass
del os.environ["CUDA_VISIBLE_DEVICES"]

# The trainings that are timed are the tables' own.
for name, original in (("table1", "table1-mnist"), ("table2", "table2-moses"), ("table3", "table3-text8")):
    timed = tomllib.loads((source / f"bench/gpu/{name}.toml").read_text())
    whole = tomllib.loads((source / f"experiments/{original}.toml").read_text())
    network = {**whole["network"], **whole["network"].get(timed["network"]["plugin"], {})}
    assert all(network.get(key, value) == value for key, value in timed["network"].items()), name
    (axis,) = timed["sweep"]["zip"]
    second = dict(whole["train"])
    if "sweep" in whole:  # the first of table 1's methods is MAM
        second.update({key[6:]: values[0] for key, values in whole["sweep"]["zip"][0].items() if key[:6] == "train."})
    for stage, expected in enumerate((whole["stage1"]["train"], second)):
        ours = {**timed["train"], **{key[6:]: values[stage] for key, values in axis.items() if key[:6] == "train."}}
        for key in ("steps", "batch", "learning_rate", "ema", "clip", "warmup", "precision"):
            assert ours.get(key, 0) == expected.get(key, 0), (name, stage, key)

# Every plugin that can be part of a training is in a trial of every-plugin.toml or every-plugin-rows.toml.
(axis,) = tomllib.loads((source / "bench/gpu/every-plugin.toml").read_text())["sweep"]["zip"]
rows = tomllib.loads((source / "bench/gpu/every-plugin-rows.toml").read_text())
for kind, others in (("objective", ()), ("sampler", ()), ("network", ("torchscript",))):
    shipped = {folder.parent.name for folder in (source / f"plugins/{kind}s").glob("*/*.cpp")} - {
        "chains",
        "learned-order",
    }
    tried = {*axis[f"{kind}.plugin"], rows.get(kind, {}).get("plugin", "none")} - {"none"}
    assert shipped - set(others) == tried, (kind, shipped)

# The check itself, where it needs no data. A Python without PyTorch leaves out what PyTorch times.
with tempfile.TemporaryDirectory() as folder:
    parts = "doctor,limits,every plugin,equality,resume,mlp,sweep"
    words = [
        source / "scripts/gpu-check",
        "--cpu",
        "--parts",
        parts,
        "--bin",
        programs,
        "--out",
        f"{folder}/found.json",
    ]
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    found = json.loads(pathlib.Path(folder, "found.json").read_text())
assert not found["cuda"] and sorted(found["parts"]) == sorted(parts.split(",")), found
has_torch = found["machine"]["torch"] != "none"
for name, part in found["parts"].items():
    assert part["verdict"] == "ok" or (name == "limits" and not has_torch), (name, part)
    assert f"| {name} | {part['verdict']} |" in done.stdout
assert done.returncode == (0 if has_torch else 1)
(row,) = found["parts"]["mlp"]["rows"]
assert row["step"] > 0
if has_torch:
    assert 0 < row["needed"]["products"] < row["needed"]["pass"] < 2 * row["step"], row
