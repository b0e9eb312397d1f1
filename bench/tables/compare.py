#!/usr/bin/env python3
"""Models of tables beside means, Gaussians, nearest neighbours and chained equations, on the same rows and masks.

    bench/tables/compare.py EXPERIMENT [--store FILE] [--rows N] [--out FILE.csv] [--program PROGRAM]

EXPERIMENT has trials of dataset `table` with `columns = "auto"`, `shuffle = false` and a test file, as
experiments/tables.toml. It is run first, as far as it has not been. Of each test row a random half of the known cells
is observed, S, and the other is hidden, U; the masks depend on the seed alone. Tables (Markdown) of nats a row, of
columns scaled by the rows for training:

    log p(x_U | x_S), log p(x), log p(x_S)    of the trials, by the marginals in one pass for each log p, and by a chain
                                              of conditionals, a pass a cell; of column means, a Gaussian and a mixture
                                              of Gaussians
    error of the guess of x_U from x_S        root mean square of numbers, share of wrong words; in one pass
    seconds, passes                           processor time of log p(x_U | x_S) of 1,000 rows; passes of the network

Means and standard errors are over test rows and seeds. Two trials whose training files are NAME-missing.csv and
NAME-fewer.csv stand beside that of NAME.csv in a table of their own. Needs torch, pandas and scikit-learn.
"""

import argparse
import csv
import math
import pathlib
import sys
import time

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import marginalia  # noqa: E402
from baselines import Normals, chained_equations, chosen_neighbours, chosen_normals  # noqa: E402
from methods import Baseline, ByConditionals, ByMarginals, Coding, observed_half  # noqa: E402

COMPONENTS = (1, 2, 4, 8, 16, 32)
LIKELIHOODS = ["conditional", "joint", "marginal"]
LIKELIHOOD_NAMES = [r"log p(x_U \| x_S)", "log p(x)", "log p(x_S)"]
FIGURES = [*LIKELIHOODS, "error_numbers", "error_words"]


def baselines(coding, train, validation):
    kinds, known = coding.categories, ~numpy.isnan(validation)
    hidden = known & ~observed_half(known, numpy.random.default_rng(1))
    for name, fit in [
        ("column means", lambda: Normals(kinds, diagonal=True).fit(train)),
        ("Gaussian", lambda: chosen_normals(kinds, train, validation, [1])),
        ("mixture of Gaussians", lambda: chosen_normals(kinds, train, validation, COMPONENTS)),
        ("nearest neighbours", lambda: chosen_neighbours(kinds, train, validation, hidden)),
        ("MICE", lambda: chained_equations(kinds, train, validation, hidden)),
    ]:
        begin = time.process_time()
        model = fit()
        yield Baseline(name, model, coding), time.process_time() - begin


def figures(method, coding, x, observed):
    """Of each row: log p and errors, and the processor time of log p(x_U | x_S) of all."""
    known, given = x.notna().to_numpy(), x.where(observed)
    hidden, of_row = known & ~observed, {}
    if not isinstance(method, Baseline) or hasattr(method.model, "log_p"):
        begin = time.process_time()
        of_row["conditional"] = method.conditional(x, given)
        seconds = time.process_time() - begin
        of_row["joint"], of_row["marginal"] = method.log_p(x), method.log_p(given)
    else:
        seconds = math.nan
    away = method.fill(given) - coding.scaled(x)
    for name, cells, error in (
        ("error_numbers", hidden & ~coding.is_word, away**2),
        ("error_words", hidden & coding.is_word, away != 0),
    ):
        if cells.any():
            of_row[name] = (numpy.where(cells, error, 0).sum(1), cells.sum(1))
    return of_row, seconds, method.passes(hidden)


def mean_and_error(of_seeds):
    """Over rows (the mean of their seeds) and seeds: values (seeds, rows)."""
    values = numpy.array(of_seeds)
    seeds = len(values)
    of_rows = values.mean(0).std(ddof=1) / math.sqrt(values.shape[1])
    return values.mean(), math.hypot(of_rows, values.mean(1).std(ddof=1) / math.sqrt(seeds) if seeds > 1 else 0)


def ratio_and_error(of_seeds, root):
    """Of sums and counts a row, the mean; its error over rows by the linear approximation, and over seeds."""
    sums, counts = (numpy.array([part[i] for part in of_seeds], float) for i in (0, 1))
    mean = sums.sum() / counts.sum()
    away = (sums - mean * counts).mean(0) / counts.mean()
    of_seed = sums.sum(1) / counts.sum(1)
    error = math.hypot(
        away.std(ddof=1) / math.sqrt(away.size),
        of_seed.std(ddof=1) / math.sqrt(len(of_seed)) if len(of_seed) > 1 else 0,
    )
    return (math.sqrt(mean), error / 2 / math.sqrt(mean)) if root and mean > 0 else (mean, error)


def summary(table, method, per_seed, rows, fit_seconds):
    line = {
        "table": table,
        "method": method,
        "rows": rows,
        "seeds": len(per_seed),
        "fit_seconds": fit_seconds,
        "seconds_per_1000": 1000 * numpy.mean([seconds for _, seconds, _ in per_seed]) / rows,
        "passes": numpy.mean([passes for _, _, passes in per_seed]),
    }
    for name in FIGURES:
        parts = [of_row[name] for of_row, _, _ in per_seed if name in of_row]
        if parts:
            mean, error = (
                ratio_and_error(parts, name == "error_numbers") if name.startswith("error") else mean_and_error(parts)
            )
            line[name], line[f"{name}_stderr"] = mean, error
    return line


class Compared:
    """The trials of one experiment by their training file, and what they are compared with."""

    def __init__(self, options):
        self.options = options
        trained = marginalia.run(options.experiment, store=options.store, program=options.program)
        self.trials = {}
        with marginalia.open(options.store, pandas=False) as store:
            for trial in store.trials(experiment=trained["experiment"].iloc[0], status="done"):
                self.trials.setdefault(trial["config"]["dataset"]["file"], {})[trial["seed"]] = trial

    def model(self, trial):
        return marginalia.load(trial["trial_id"], self.options.store, program=self.options.program)

    def rows_of(self, trial, coding):
        data = trial["config"]["dataset"]
        rows, test = coding.read(data["file"]), coding.read(data["test_file"])
        training = len(rows) - int(data["validation"] * len(rows))
        return rows.iloc[:training], rows.iloc[training:], test.iloc[: self.options.rows]

    def table(self, file):
        """Lines of all methods on one table."""
        name, by_seed = pathlib.Path(file).stem, self.trials[file]
        models = {seed: self.model(trial) for seed, trial in sorted(by_seed.items())}
        trial = next(iter(by_seed.values()))
        coding = Coding(next(iter(models.values())).columns)
        train, validation, test = self.rows_of(trial, coding)
        masks = {seed: observed_half(test.notna().to_numpy(), numpy.random.default_rng(seed)) for seed in models}
        trained = numpy.mean([trial["seconds"] for trial in by_seed.values()])
        by_kind = [
            [figures(kind(model, coding), coding, test, masks[seed]) for seed, model in models.items()]
            for kind in (ByMarginals, ByConditionals)
        ]
        one_pass, chain = (
            summary(name, kind.name, per_seed, len(test), trained)
            for kind, per_seed in zip((ByMarginals, ByConditionals), by_kind)
        )
        for figure in LIKELIHOODS:
            away = [a[figure] - b[figure] for (a, *_), (b, *_) in zip(*by_kind)]
            one_pass[f"{figure}_gap"] = numpy.sqrt(numpy.mean(numpy.square(away)))
        yield from (one_pass, chain)
        for method, seconds in baselines(coding, coding.scaled(train), coding.scaled(validation)):
            per_seed = [figures(method, coding, test, mask) for mask in masks.values()]
            yield summary(name, method.name, per_seed, len(test), seconds)

    def lost(self, file, variant):
        """What the models of a file with fewer cells or rows say of the test rows of `file`, as that is scaled."""
        path = str(pathlib.Path(file).with_name(f"{pathlib.Path(file).stem}-{variant}.csv"))
        coding = Coding(self.model(next(iter(self.trials[file].values()))).columns)
        _, _, test = self.rows_of(next(iter(self.trials[file].values())), coding)
        per_seed = []
        for seed, trial in sorted(self.trials[path].items()):
            mask = observed_half(test.notna().to_numpy(), numpy.random.default_rng(seed))
            per_seed.append(figures(ByConditionals(self.model(trial), coding), coding, test, mask))
        return summary(pathlib.Path(file).stem, variant, per_seed, len(test), math.nan)


def text(line, name, digits):
    return f"{line[name]:.{digits}f} ± {line[f'{name}_stderr']:.{digits}f}" if name in line else "-"


def print_row(cells):
    print(f"| {' | '.join(cells)} |")


def print_head(names):
    print()
    print_row(names)
    print("|" + "---|" * len(names))


def texts(line, names, digits):
    return [line["table"], line["method"], *(text(line, name, digits) for name in names)]


def print_tables(lines):
    print_head(["table", "method", *LIKELIHOOD_NAMES, "passes", "seconds"])
    for line in lines:
        if "joint" in line:
            passes = "" if math.isnan(line["passes"]) else f"{line['passes']:.1f}"
            print_row([*texts(line, LIKELIHOODS, 2), passes, f"{line['seconds_per_1000']:.2f}"])
    print_head(["table", "method", "error of numbers", "wrong words"])
    for line in lines:
        if line["method"] != ByConditionals.name:
            print_row(texts(line, ("error_numbers", "error_words"), 3))
    given, *others = LIKELIHOOD_NAMES
    print_head(["table", f"one pass less a pass a cell, root mean square: of {given}", *(f"of {x}" for x in others)])
    for line in lines:
        if line["method"] == ByMarginals.name:
            print_row([line["table"], *(format(line[f"{figure}_gap"], ".2f") for figure in LIKELIHOODS)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("experiment")
    parser.add_argument("--store", default="tables.db")
    parser.add_argument("--rows", type=int, default=2000, help="test rows of a table at most")
    parser.add_argument("--out", help="all figures as CSV")
    parser.add_argument("--program", help="the program marginalia; left out: as the Python package finds it")
    compared = Compared(parser.parse_args())
    whole = [file for file in compared.trials if not file.endswith(("-missing.csv", "-fewer.csv"))]
    lines = [line for file in whole for line in compared.table(file)]
    print_tables(lines)
    lost = [
        compared.lost(file, variant)
        for file in whole
        for variant in ("missing", "fewer")
        if file.replace(".csv", f"-{variant}.csv") in compared.trials
    ]
    if lost:
        print_head(["table", "learnt from", *LIKELIHOOD_NAMES])
    for line in lost:
        print_row(texts(line, LIKELIHOODS, 2))
    if compared.options.out:
        names = list(dict.fromkeys(name for line in lines + lost for name in line))
        with open(compared.options.out, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(lines + lost)


if __name__ == "__main__":
    main()
