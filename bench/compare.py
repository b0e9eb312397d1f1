#!/usr/bin/env python3
"""Two files of network_bench --json side by side: what each pass and step takes of its floor, and by what it changed.

    bench/compare.py BEFORE.json AFTER.json
    bench/compare.py RUN.json                  one run as a table in Markdown (docs/performance.md)

Ratios to the floor of the same run compare across machines; milliseconds only where both ran on the same one. A change
is marked where the ranges of the rounds do not touch.
"""

import json
import sys


def cases_of(path):
    with open(path) as file:
        run = json.load(file)
    return run, {(c["network"], c["precision"], c["threads"]): c for c in run["cases"]}


def apart(before, after, figure):
    return before[figure]["most"] < after[figure]["least"] or after[figure]["most"] < before[figure]["least"]


def span(figure):
    return f"{1e3 * figure['median']:.1f} ({1e3 * figure['least']:.1f} to {1e3 * figure['most']:.1f})"


HEAD = (
    "network",
    "precision",
    "threads",
    "floor, ms",
    "pass, ms",
    "pass / floor",
    "step, ms",
    "step / floor",
    "products, copies, fills, the rest, %",
)


def row_of(case):
    shares = ", ".join(f"{case[part + '_percent']:.0f}" for part in ("products", "copies", "fills", "element_wise"))
    times = [span(case[figure]) for figure in ("floor_seconds", "pass_seconds", "step_seconds")]
    ratios = [f"{case[ratio]:.2f}" for ratio in ("pass_per_floor", "step_per_floor")]
    where = [case["case"], case["precision"], str(case["threads"])]
    return where + [times[0], times[1], ratios[0], times[2], ratios[1], shares]


def print_one(path):
    run, cases = cases_of(path)
    for row in HEAD, ["---"] * len(HEAD), *map(row_of, cases.values()):
        print("| " + " | ".join(row) + " |")
    where = f"{run['processor']}, {run['cores']} cores, LibTorch {run['torch']}"
    print(f"\n{where}; medians (least to most) of {run['rounds']} rounds.")


def print_both(before_path, after_path):
    before_run, before = cases_of(before_path)
    after_run, after = cases_of(after_path)
    for word, run in ("before", before_run), ("after", after_run):
        print(
            f"{word + ':':<8}{run['processor']}, {run['cores']} cores, LibTorch {run['torch']}, {run['rounds']} rounds"
        )
    print(f"\n{'':<30}{'pass / floor':>22}{'step / floor':>22}{'step, ms':>24}")
    for key in before | after:
        old, new = before.get(key), after.get(key)
        line = f"{key[0]:<13}{key[1]:<9} {key[2]} thr   "
        if old is None or new is None:
            print(line + ("  only after" if old is None else "  only before"))
            continue
        for figure, seconds in ("pass_per_floor", "pass_seconds"), ("step_per_floor", "step_seconds"):
            mark = "*" if apart(old, new, seconds) else " "
            line += f"{old[figure]:9.2f} -> {new[figure]:6.2f} {mark:<3}"
        old_ms, new_ms = 1e3 * old["step_seconds"]["median"], 1e3 * new["step_seconds"]["median"]
        print(line + f"{old_ms:10.1f} -> {new_ms:8.1f}")


if len(sys.argv) == 2:
    print_one(sys.argv[1])
elif len(sys.argv) == 3:
    print_both(sys.argv[1], sys.argv[2])
else:
    sys.exit(__doc__)
