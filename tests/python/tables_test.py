"""What bench/tables compares models of tables with is what it says it is, and the tables have the splits that are published.

    tables_test.py SOURCE_DIR

Normal densities against their closed form, means of hidden cells, k-nearest neighbours and chained equations where the answer is
plain; the .csv files of small raw ones, and the columns, noise and splits of an archive like that of the flow literature.
"""

import hashlib
import importlib.util
import io
import pathlib
import sys
import tarfile
import tempfile

missing = [name for name in ("numpy", "pandas", "sklearn") if importlib.util.find_spec(name) is None]
if missing:
    print(f"skipped: there is no {', '.join(missing)}; .venv/bin/python3 -m pip install numpy pandas scikit-learn")
    sys.exit(77)

import numpy
import pandas

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "bench/tables"))
import compare
import flows
import methods
import prepare
from baselines import Normals, chained_equations, chosen_neighbours, chosen_normals

NAN = numpy.nan
generator = numpy.random.default_rng(0)

# Three columns of a Gaussian, and a word that tells nothing.
covariance = numpy.array([[1.0, 0.8, 0.3], [0.8, 2.0, -0.4], [0.3, -0.4, 0.5]])
numbers = generator.multivariate_normal([1, -2, 0], covariance, 4000)
rows = numpy.column_stack([numbers, generator.random(4000) < 0.25])
kinds = [0, 0, 0, 2]
gaussian = Normals(kinds).fit(rows)
mean, moments = numbers.mean(0), numpy.cov(numbers.T, bias=True)
asked = numpy.array([[1.5, NAN, 0.2, NAN], [NAN, -1.0, NAN, 1.0], [NAN, NAN, NAN, NAN]])


def log_normal(away, matrix):
    return -0.5 * (away @ numpy.linalg.solve(matrix, away) + numpy.linalg.slogdet(2 * numpy.pi * matrix)[1])


known = [0, 2]
word = numpy.log(rows[:, 3].mean())
by_hand = [log_normal(asked[0, known] - mean[known], moments[numpy.ix_(known, known)]),
           log_normal(asked[1, [1]] - mean[[1]], moments[1:2, 1:2]) + word, 0]
numpy.testing.assert_allclose(gaussian.log_p(asked), by_hand, atol=1e-3)
guess = mean[1] + moments[1, known] @ numpy.linalg.solve(moments[numpy.ix_(known, known)], asked[0, known] - mean[known])
filled = gaussian.fill(asked)
numpy.testing.assert_allclose(filled[0], [1.5, guess, 0.2, 0], atol=1e-4)
numpy.testing.assert_allclose(Normals(kinds, diagonal=True).fit(rows).fill(asked)[2], [*mean, 0], atol=1e-9)

# Two clusters, which the word names: a mixture has them, and the word goes with its cluster.
clusters = generator.normal(size=(600, 2)) * 0.1 + numpy.repeat([[0, 0], [3, 3]], 300, axis=0)
both = numpy.column_stack([clusters, numpy.repeat([0, 1], 300)])[generator.permutation(600)]
mixture = chosen_normals([0, 0, 2], both[:500], both[500:], (1, 2))
assert mixture.count == 2
entropy = 2 * (0.5 * numpy.log(2 * numpy.pi * numpy.e) + numpy.log(0.1)) + numpy.log(2)
assert abs(mixture.log_p(both).mean() + entropy) < 0.15, mixture.log_p(both).mean()
assert mixture.fill(numpy.array([[3.0, NAN, NAN]]))[0].round().tolist() == [3, 3, 1]

hidden = numpy.zeros((100, 3), bool)
hidden[:, 1:] = True
for model in (chosen_neighbours([0, 0, 2], both[:500], both[500:], hidden), chained_equations([0, 0, 2], both[:500], both[500:], hidden)):
    guesses = model.fill(numpy.array([[3.0, NAN, NAN], [0.0, NAN, NAN]]))
    assert guesses.round().tolist() == [[3, 3, 1], [0, 0, 0]], guesses

# Half of the known cells are observed, none of the unknown ones.
known = generator.random((200, 5)) < 0.8
observed = methods.observed_half(known, generator)
assert (observed.sum(1) == known.sum(1) // 2).all() and not (observed & ~known).any()

# Errors of means: of independent rows the usual one; of a model whose seeds differ by more, theirs as well.
values = generator.normal(size=400)
mean, error = compare.mean_and_error([values])
assert (mean, error) == (values.mean(), values.std(ddof=1) / 20)
mean, error = compare.mean_and_error([values, values + 1, values + 2])
assert abs(error - numpy.hypot(values.std(ddof=1) / 20, 1 / numpy.sqrt(3))) < 1e-12
rate, error = compare.ratio_and_error([(numpy.repeat([0, 2], 200), numpy.full(400, 2))], False)
assert rate == 0.5 and abs(error - 0.5 / 20) < 1e-3

# A table in its columns' units, scaled; what its log-densities are more by for that.
columns = [{"name": "height", "words": [], "categories": 0, "centre": 150.0, "scale": 10.0},
           {"name": "smoker", "words": ["no", "yes"], "categories": 2, "centre": 0.0, "scale": 1.0}]
coding = methods.Coding(columns)
cells = coding.scaled(pandas.DataFrame({"height": [165.0, NAN], "smoker": ["yes", None]}))
numpy.testing.assert_array_equal(cells, [[1.5, 1], [NAN, NAN]])
numpy.testing.assert_allclose(coding.log_scale(~numpy.isnan(cells)), [numpy.log(10), 0])

# Files: splits without common rows, rounded numbers that differ, missing cells, and a test split of its own.
with tempfile.TemporaryDirectory() as folder:
    cache = pathlib.Path(folder, "cache")
    (cache / "tables").mkdir(parents=True)
    (cache / "adult").mkdir()
    lines = [f"{'MFI'[i % 3]}, {0.005 * (20 + i % 97)}, 0.4, 0.1, {0.0005 * i}, 0.1, 0.2, 0.3, negative" for i in range(1000)]
    (cache / "tables/abalone19.dat").write_text("\n".join(lines + lines[:50]) + "\n", encoding="utf-8")
    person = "39, {}, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40, United-States, <=50K{}\n"
    (cache / "adult/adult.data").write_text(person.format("State-gov", "") * 20 + person.format("?", ""), encoding="utf-8")
    (cache / "adult/adult.test").write_text("|1x3 Cross validator\n" + person.format("?", ".") * 3, encoding="utf-8")
    for name in ("abalone", "adult"):
        prepare.prepare(name, cache, folder)
    table, test, lost, fewer = (pandas.read_csv(pathlib.Path(folder, f"abalone{part}.csv")) for part in ("", "-test", "-missing", "-fewer"))
    assert (len(table), len(test), len(fewer)) == (900, 100, 567 + 90)
    assert not set(test["whole"]) & set(table["whole"]) and table["length"].nunique() == 900
    assert 0.28 < lost.iloc[:810].isna().to_numpy().mean() < 0.32 and lost.iloc[810:].equals(table.iloc[810:])
    people, others = (pandas.read_csv(pathlib.Path(folder, f"adult{part}.csv")) for part in ("", "-test"))
    assert (len(people), len(others)) == (21, 3) and set(others["income"]) == set(people["income"]) == {"<=50K"}
    assert people["workclass"].isna().sum() == 1 and others["workclass"].isna().all()

    def array(values):
        stream = io.BytesIO()
        numpy.save(stream, values)
        return stream.getvalue()

    events = pandas.DataFrame(numpy.column_stack([numpy.repeat([0, 1], 30), generator.normal(size=(60, 2)), [0.0, 1.0] * 30]))
    members = {"power/data.npy": array(generator.normal(size=(200, 8))), "miniboone/data.npy": array(generator.normal(size=(50, 43))),
               "hepmass/1000_train.csv": events.to_csv(index=False).encode(),
               "hepmass/1000_test.csv": events.assign(again=1).to_csv(index=False).encode()}
    archive = pathlib.Path(folder, "data.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"data/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    for name, shape in {"power": [(180, 6), 18, (20, 6)], "miniboone": [(45, 43), 4, (5, 43)], "hepmass": [(30, 2), 3, (30, 2)]}.items():
        rest, validation, test = flows.rows_of(name, archive, md5)
        assert [rest.shape, validation, test.shape] == shape, name
    try:
        flows.rows_of("gas", archive)
    except SystemExit as refused:
        assert str(refused) == f"{archive} is not the published archive; get it again by: marginalia data get gas"
    else:
        raise AssertionError("another archive is read")
