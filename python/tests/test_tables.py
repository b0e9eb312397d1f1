"""Models of tables: data frames in and out, what the conditionals say of cells, guesses of unknown ones."""

from __future__ import annotations

import math
import random

import pytest

import marginalia
from conftest import need_torch, run_in

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")

TABLE = {
    "name": "people",
    "seeds": [0],
    "dataset": {"plugin": "table", "file": "people.csv", "columns": "auto"},
    "network": {"plugin": "mlp", "hidden": 16, "layers": 2, "components": 2},
    "objective": {"plugin": "mam-joint"},
    "train": {"steps": 40, "batch": 32, "learning_rate": 5e-3},
    "evaluation": {"samples": 0, "nll_samples": 0, "marginal_states": 0, "marginal_time": False},
}


@pytest.fixture(scope="module")
def model(program, tmp_path_factory):
    need_torch()
    folder, draw = tmp_path_factory.mktemp("people"), random.Random(0)
    with open(folder / "people.csv", "w", encoding="utf-8") as file:
        file.write("height,weight,smoker\n")
        for _ in range(300):
            height = draw.gauss(170, 10)
            file.write(f"{height},{0.8 * height - 66 + draw.gauss(0, 8)},{draw.choice(['never', 'now', 'once'])}\n")
    run_in(folder, TABLE, {}, "people.db")
    return marginalia.load("last", folder / "people.db")


@pytest.fixture(scope="module")
def people():
    return pandas.DataFrame(
        {"height": [180.0, 165.5, math.nan], "smoker": ["now", None, "never"], "weight": [80.0, math.nan, 61.0]},
        index=["Ann", "Bob", "Cid"],
    )


def test_samples_are_a_frame_with_words(model):
    frame = model.sample(50, seed=1)
    assert list(frame.columns) == ["height", "weight", "smoker"] and len(frame) == 50
    assert set(frame["smoker"]) <= {"never", "now", "once"} and frame["height"].between(100, 240).all()
    tensor = model.sample(50, seed=1, as_torch=True)
    numpy.testing.assert_allclose(tensor[:, 0].numpy(), frame["height"])


def test_a_frame_is_asked_by_its_columns_names_and_answered_by_its_index(model, people):
    log_p = model.log_marginal(people)
    assert list(log_p.index) == ["Ann", "Bob", "Cid"] and log_p.std() > 0
    rows = numpy.array([[180, 80, 1], [165.5, math.nan, math.nan], [math.nan, 61, 0]])
    numpy.testing.assert_allclose(log_p, model.log_marginal(rows))
    numpy.testing.assert_allclose(log_p, model.marginals(people), rtol=1e-6)
    numpy.testing.assert_allclose(model.score(people)["log_marginal"], log_p, rtol=1e-6)
    assert model.log_marginal(people[["height"]])["Cid"] == pytest.approx(0, abs=1e-5)


def test_what_the_conditionals_say_is_what_score_goes_along(model):
    rows = numpy.array([[180, 80, 1], [165.5, 50, 2]])
    nothing = numpy.full(rows.shape, numpy.nan)
    for d in range(3):
        one = nothing.copy()
        one[:, d] = rows[:, d]
        alone = model.log_conditionals(nothing, one)
        assert numpy.isnan(numpy.delete(alone, d, axis=1)).all()
        numpy.testing.assert_allclose(alone[:, d], model.score(one)["log_density"], rtol=1e-5)
        # Two cells: the chain in one of the two orders.
        for e in range(d):
            two = one.copy()
            two[:, e] = rows[:, e]
            first = numpy.where(numpy.arange(3) == e, rows, numpy.nan)
            chains = [
                alone[:, d] + model.log_conditionals(one, two)[:, e],
                model.log_conditionals(nothing, first)[:, e] + model.log_conditionals(first, two)[:, d],
            ]
            scored = model.score(two)["log_density"]
            assert all(min(abs(chain[i] - scored[i]) for chain in chains) < 1e-4 for i in range(2))


def test_unknown_cells_are_guessed_and_known_ones_stay(model, people):
    filled = model.impute(people)
    assert not filled.isna().any().any() and list(filled.index) == ["Ann", "Bob", "Cid"]
    assert filled.loc["Ann", "height"] == 180 and filled.loc["Cid", "smoker"] == "never"
    draws = model.complete(people.loc[["Bob"]], n=2000, seed=3)
    # The mean of 2,000 draws by a chain of two cells, whose first may be either: five standard errors.
    away = draws["weight"].mean() - filled.loc["Bob", "weight"]
    assert abs(away) < 5 * draws["weight"].std() / math.sqrt(2000) + 0.05 * draws["weight"].std()


def test_completions_have_the_rows_of_the_frame_or_of_the_text(model, people):
    completed = model.complete(people, n=2)
    assert completed.index.tolist() == [(name, draw) for name in people.index for draw in range(2)]
    assert (
        completed.loc[("Ann", 1), "weight"] == pytest.approx(80) and (completed.loc["Cid", "smoker"] == "never").all()
    )
    assert model.complete("height=180", n=3)["height"].tolist() == [pytest.approx(180)] * 3
    assert isinstance(model.complete(numpy.full((1, 3), numpy.nan), n=2), numpy.ndarray)


def test_frames_and_guesses_are_for_tables(trained, people):
    lattice = marginalia.load("best:kl", trained / "marginalia.db")
    with pytest.raises(TypeError, match="a data frame holds rows of a table"):
        lattice.log_marginal(people)
    with pytest.raises(marginalia.Error, match="not rows of a table; use conditional_logits"):
        lattice.impute(numpy.zeros(12, int))
