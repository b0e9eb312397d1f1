#!/usr/bin/env python3
"""The tables of `marginalia data get` as .csv files for dataset `table`, with splits that are always the same.

    bench/tables/prepare.py CACHE FOLDER [NAME ...]

CACHE is where `data get` keeps its sets. NAME.csv has the rows for training and, behind them, those for validation: a
tenth, which `shuffle = false` and `validation = 0.1` take. NAME-test.csv has the test rows: a tenth of all, or a fifth
of fewer than 1,000. Of abalone and magic two more tables say what missing cells cost: NAME-missing.csv lacks 30 % of
the cells of the training rows, chosen at random, and NAME-fewer.csv 30 % of the training rows. Rows that occur twice
are left out but for one, so that none is in two splits. A column of numbers that are rounded gets uniform noise within
its last digit (half a step to each side), as POWER has in the published comparisons: a density of rounded numbers has
no upper bound. power, gas, hepmass, miniboone and bsds300 are as published instead (flows.py). Needs numpy and pandas.
"""

import argparse
import dataclasses
import pathlib

import numpy
import pandas

import flows

SEED = 20260000
LOST = 0.3  # of the cells, or of the rows
STEPS = [digit * 10.0**place for place in range(3, -7, -1) for digit in (5, 2.5, 2, 1)]
CELLS = "radius texture perimeter area smoothness compactness concavity concave_points symmetry fractal_dimension"
ADULT = (
    "age workclass final_weight education education_years marital_status occupation relationship race sex capital_gain "
    "capital_loss hours country income"
)


@dataclasses.dataclass(frozen=True)
class Raw:
    """A table as it is published: its files in the cache, of which a second one has the test rows; its columns, where
    the file does not name them; and which of these hold words."""

    files: list[str]
    columns: list[str] | None
    words: list[str]


RAW = {
    "abalone": Raw(
        ["tables/abalone19.dat"],
        "sex length diameter height whole shucked viscera shell has_19_rings".split(),
        ["sex", "has_19_rings"],
    ),
    "breast-cancer": Raw(
        ["tables/wdbc.dat"],
        [f"{name}_{which}" for which in ("mean", "error", "worst") for name in CELLS.split()] + ["diagnosis"],
        ["diagnosis"],
    ),
    "magic": Raw(
        ["tables/magic.dat"], "length width size conc conc1 asym m3long m3trans alpha dist class".split(), ["class"]
    ),
    "wine-quality": Raw(
        ["tables/winequality-red-4.dat"],
        "fixed_acidity volatile_acidity citric_acid residual_sugar chlorides free_so2 total_so2 density ph "
        "sulphates alcohol has_mark_4".split(),
        ["has_mark_4"],
    ),
    "penguins": Raw(["tables/penguins.csv"], None, ["species", "island", "sex", "year"]),
    "adult": Raw(
        ["adult/adult.data", "adult/adult.test"],
        ADULT.split(),
        "workclass education marital_status occupation relationship race sex country income".split(),
    ),
}
LOSING = ["abalone", "magic"]


def read(path, raw):
    """Numbers as floats, words as text, NaN where a cell is missing."""
    rows = pandas.read_csv(
        path,
        header=0 if raw.columns is None else None,
        names=raw.columns,
        skipinitialspace=True,
        comment="|",
        na_values=["?"],
        dtype={name: str for name in raw.words},
    )
    for name in raw.words:
        rows[name] = rows[name].str.strip().str.rstrip(".")  # of adult.test's labels
    return rows


def spread(values, generator):
    """Uniform noise as wide as the largest step of which nearly all the numbers are multiples; a few may be
    averages."""
    known = values[~numpy.isnan(values)]
    for step in STEPS:
        steps = known / step
        if numpy.mean(numpy.abs(steps - numpy.rint(steps)) < 1e-6) > 0.95:
            return values + step * generator.uniform(-0.5, 0.5, len(values))
    return values


def table(cache, raw):
    """All rows, shuffled, or those of the two files, one after the other; and how many at the end are for the test."""
    generator = numpy.random.Generator(numpy.random.PCG64(SEED))
    parts = [read(pathlib.Path(cache, file), raw) for file in raw.files]
    rows = pandas.concat(parts, ignore_index=True)
    fixed = len(parts[1]) if len(parts) > 1 else None
    if fixed is None:
        rows = rows.drop_duplicates(ignore_index=True)
    order = generator.permutation(len(rows) - (fixed or 0))
    rows = rows.iloc[[*order, *range(len(order), len(rows))]].reset_index(drop=True)
    for name in rows.columns.drop(raw.words):
        rows[name] = spread(rows[name].to_numpy(float), generator)
    return rows, fixed if fixed is not None else len(rows) // (5 if len(rows) < 1000 else 10)


def without_cells(rows, generator):
    """None of its rows is without any."""
    lost = generator.random(rows.shape) < LOST
    lost[lost.all(axis=1), 0] = False
    return rows.mask(lost)


def write(rows, folder, name):
    rows.to_csv(pathlib.Path(folder, f"{name}.csv"), index=False, float_format="%.9g")


def prepare_published(name, archive, folder):
    rest, validation, test = (
        pandas.DataFrame(part) if isinstance(part, numpy.ndarray) else part for part in flows.rows_of(name, archive)
    )
    for rows, file in ((rest, name), (test, f"{name}-test")):
        write(rows.rename(columns=lambda column: f"x{column + 1}"), folder, file)
    print(
        f"{name}: {len(rest) - validation} rows for training, {validation} for validation, "
        f"validation = {(validation + 0.5) / len(rest):.6f}, {len(test)} for the test"
    )


def prepare(name, cache, folder):
    if name in flows.NAMES:
        return prepare_published(name, files_of(name, cache)[0], folder)
    rows, tests = table(cache, RAW[name])
    rest, test = rows.iloc[: len(rows) - tests], rows.iloc[len(rows) - tests :]
    training = len(rest) - int(0.1 * len(rest))
    write(rest, folder, name)
    write(test, folder, f"{name}-test")
    words = f"{name}: {training} rows for training, {len(rest) - training} for validation, {tests} for the test"
    if name in LOSING:
        generator = numpy.random.Generator(numpy.random.PCG64(SEED + 1))
        validation = rest.iloc[training:]
        write(pandas.concat([without_cells(rest.iloc[:training], generator), validation]), folder, f"{name}-missing")
        fewer = rest.iloc[: int((1 - LOST) * training)]
        write(pandas.concat([fewer, validation]), folder, f"{name}-fewer")
        share = (len(validation) + 0.5) / (len(fewer) + len(validation))
        words += f"; fewer: {len(fewer)} for training, validation = {share:.5f}"
    print(words)


def files_of(name, cache):
    return [pathlib.Path(cache, file) for file in (RAW[name].files if name in RAW else ["flows/data.tar.gz"])]


def main():
    names = [*RAW, *flows.NAMES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cache")
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names)}; left out: those that are in the cache")
    options = parser.parse_args()
    unknown = set(options.names) - set(names)
    if unknown:
        parser.error(f"no table is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
    there = [name for name in names if all(file.exists() for file in files_of(name, options.cache))]
    for name in options.names or there:
        if name not in there:
            parser.error(f"there is no {files_of(name, options.cache)[0]}; fetch it by: marginalia data get {name}")
        prepare(name, options.cache, options.folder)
    if not options.names and not there:
        parser.error(f"{options.cache} has none of the tables; fetch one by: marginalia data get abalone")


if __name__ == "__main__":
    main()
