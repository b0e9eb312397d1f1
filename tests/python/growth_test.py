"""The fit of bench/growth, and that `marginalia plan` understands each of its points' kinds.

growth_test.py SOURCE_DIR BIN_DIR
"""

import json
import pathlib
import subprocess
import sys
import tempfile

source, programs = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
sys.dont_write_bytecode = True
sys.path.insert(0, str(source / "bench/growth"))
import measure  # noqa: E402
import points  # noqa: E402
import show  # noqa: E402

# y = 3 x^1.7 exactly, and with errors of known size: log y = u + e, u = 0, 1, 2, 3, e = 0.1 (1, -1, -1, 1), which has no slope.
slope, error = show.fitted_power([16, 64, 256, 1024], [3 * x**1.7 for x in (16, 64, 256, 1024)])
assert abs(slope - 1.7) < 1e-12 and error < 1e-12, (slope, error)
e = 2.718281828459045
slope, error = show.fitted_power([e**u for u in range(4)], [e ** (u + d) for u, d in enumerate((0.1, -0.1, -0.1, 0.1))])
assert abs(slope - 1) < 1e-9 and abs(error - (0.04 / 2 / 5) ** 0.5) < 1e-9, (slope, error)
assert show.upper_half([(4, 0), (16, 1), (64, 2), (256, 3)]) == [(64, 2), (256, 3)]
assert show.upper_half([(16, 0), (256, 1), (4096, 2)]) == [(256, 1), (4096, 2)]

# Figures that grow as the needed work does are found to grow so, memory above that of the smallest point.
known = {}
for network in points.NETWORKS:
    known[points.smallest(network)] = {"peak_bytes": 1e8, "step_seconds": 1, "evaluation_seconds": 1}
    for axis in points.AXES:
        for p in points.points(network, axis):
            known[p] = {name: work(p) + 1e8 * (name == "peak_bytes") for name, work in show.KINDS.values()}
for network in points.NETWORKS:
    for axis in points.AXES:
        for kind in show.KINDS:
            if (found := show.fit(known, network, axis, kind)) is not None:
                assert abs(found[0] - found[2]) < 1e-4, (network, axis, kind, found)
assert len(show.table(known).splitlines()) == 2 + 12

for network in points.NETWORKS:
    for point in (points.smallest(network), points.points(network, "sites")[-1], points.points(network, "symbols")[-1]):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            words = [str(programs / "marginalia"), "plan", *measure.arguments(point, folder)]
            plan = subprocess.run(words, cwd=folder, text=True, capture_output=True)
            assert plan.returncode == 0 and "1 trial of 1 to run" in plan.stdout, (words, plan.stdout, plan.stderr)

# What is checked in is of these points.
for figure in json.loads((source / "bench/growth/figures.json").read_text()):
    assert figure["network"] in points.NETWORKS and figure["step_seconds"] > 0 and figure["peak_bytes"] > 1e7, figure
print("ok")
