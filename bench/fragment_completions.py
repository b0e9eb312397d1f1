#!/usr/bin/env python3
"""Completions of fragments towards a target log P (the paper's Figure 7): what they are worth beside two other ways.

    bench/fragment_completions.py BUILD_DIR STORE TRIAL SELFIES_FILE [--fragments 10] [--each 20] [--near 1]

TRIAL is of the energy lipophilicity, its experiment file's target being what is aimed at; SELFIES_FILE has a molecule a line. From
each of the first molecules two fragments are kept: its first 4 tokens, and all but its last 4 to 20. Beside the model's completions
stand completions by uniformly random tokens, which is what rejection sampling would choose from, and molecules of the model
without a fragment. Prints valid, distinct (of the valid ones by canonical SMILES, within a fragment), mean log P, and how many come
within --near of the target.
"""
import argparse
import csv
import io
import json
import os
import random
import re
import subprocess
import tempfile

TOKENS = ["[nop]", "[#Branch1]", "[#Branch2]", "[#C]", "[#N]", "[=Branch1]", "[=Branch2]", "[=C]", "[=N]", "[=O]", "[=Ring1]",
          "[=Ring2]", "[=S]", "[Br]", "[Branch1]", "[Branch2]", "[C]", "[Cl]", "[F]", "[H]", "[NH1]", "[N]", "[O]", "[P]",
          "[Ring1]", "[Ring2]", "[S]"]
LENGTH = 55


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "store", "trial", "selfies"):
        parser.add_argument(name)
    parser.add_argument("--fragments", type=int, default=10)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--near", type=float, default=1)
    options = parser.parse_args()
    program = os.path.abspath(os.path.join(options.build, "bin", "marginalia"))
    store = os.path.abspath(options.store)

    def ask(*words, text=None):
        return subprocess.run([program, *words], input=text, capture_output=True, text=True, check=True).stdout

    toml = ask("show", options.trial, "--toml", "--store", store)
    target = float(re.search(r"^target = (\S+)", toml, re.M).group(1))
    draw = random.Random(0)
    with open(options.selfies, encoding="utf-8") as file:
        molecules = [re.findall(r"\[[^]]*\]", line) for line, _ in zip(file, range(options.fragments))]
    settings = {"first 4 tokens kept": [tokens[:4] for tokens in molecules],
                "all but the last 4 to 20": [tokens[:-min(draw.randint(4, 20), len(tokens) - 1)] for tokens in molecules]}

    with tempfile.TemporaryDirectory() as folder:
        experiment = os.path.join(folder, "experiment.toml")
        with open(experiment, "w", encoding="utf-8") as file:
            file.write(toml)

        def report(name, lines, identities, groups):
            rows = list(csv.DictReader(io.StringIO(ask("score", experiment, "--states", "-", text="\n".join(lines) + "\n"))))
            values = [float(row["logp"]) for row in rows if row["valid"] == "1"]
            distinct = sum(len({i for i in group if i}) for group in groups(identities))
            near = sum(abs(value - target) < options.near for value in values)
            print(f"  {name:34} {len(values) / len(rows):6.3f} {distinct / max(1, len(values)):9.3f} "
                  f"{sum(values) / max(1, len(values)):9.2f} {near / len(rows):12.3f}")

        def drawn(words, text=None):
            lines = [json.loads(line) for line in ask(*words, "--store", store, "--format", "json", text=text).splitlines()]
            return [line["text"] for line in lines], [line.get("identity", "") for line in lines]

        def in_groups(identities):
            return [identities[i:i + options.each] for i in range(0, len(identities), options.each)]

        print(f"trial {options.trial}, target {target:g}; {len(molecules)} fragments, {options.each} completions each\n"
              f"  {'':34} {'valid':>6} {'distinct':>9} {'mean logP':>9} {'within ' + format(options.near, 'g'):>12}")
        for name, fragments in settings.items():
            given = "".join("".join(tokens) + "…\n" for tokens in fragments)
            report(f"model, {name}", *drawn(["complete", options.trial, "--given", "-", "-n", str(options.each)], given), in_groups)
            uniform = ["".join(tokens + draw.choices(TOKENS, k=LENGTH - len(tokens))) for tokens in fragments for _ in range(options.each)]
            smiles = subprocess.run([os.path.join(options.build, "bin", "marginalia-selfies"), "decode"], input="\n".join(uniform) + "\n",
                                    capture_output=True, text=True).stdout.splitlines()
            report(f"uniform, {name}", uniform, smiles, in_groups)
        count = options.fragments * options.each
        report("model, no fragment", *drawn(["sample", options.trial, "-n", str(count)]), lambda identities: [identities])


if __name__ == "__main__":
    main()
