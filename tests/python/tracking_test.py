"""bench/peers/tracking.py measures what it says it measures, with few trials: every peer that is installed finds the best
trial, and costs something.   tracking_test.py SOURCE_DIR MARGINALIA SCALE_BENCH
"""

import json
import pathlib
import subprocess
import sys
import tempfile

source, marginalia, scale_bench = (pathlib.Path(word).resolve() for word in sys.argv[1:])
if not scale_bench.exists():
    print("skipped: scale_bench is not built; scripts/build release scale_bench makes it")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    figures = pathlib.Path(folder) / "figures.json"
    words = ["--marginalia", marginalia, "--scale-bench", scale_bench, "--json", figures, "--folder", folder]
    words += "--trivial 20 --trials 8 --points 20 --rounds 1".split()
    command = [sys.executable, source / "bench/peers/tracking.py", *words]
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(figures.read_text())

found = {row["peer"]: row["milliseconds"] for row in result["peers"]}
assert {"raw SQLite", "marginalia"} <= found.keys(), found
for peer, milliseconds in found.items():
    assert milliseconds.keys() == {"trivial", "points", "final", "minimum"}, peer
    for what in ("final", "minimum"):
        assert milliseconds[what]["wall"] > 0, (peer, what)
for head in ("a trivial trial", "1,000 points", "best of 8 trials x 20 points, final", "the same, minimum"):
    assert head in done.stdout, done.stdout
print(f"measured: {', '.join(found)}")
for line in done.stderr.splitlines():
    if line.startswith("skipped"):
        print(line)
