"""Rows of tables as a network takes them."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from marginalia._cells import Cells  # noqa: E402

COLUMNS = [
    {"name": "height", "categories": 0, "words": [], "centre": 150.0, "scale": 10.0},
    {"name": "smoker", "categories": 2, "words": ["no", "yes"], "centre": 0.0, "scale": 1.0},
]


def test_numbers_are_scaled_and_words_and_unknown_cells_stay() -> None:
    nan = math.nan
    states = Cells(COLUMNS, 2).states(torch.tensor([[165.0, 1.0], [nan, 0.0], [150.0, nan]], dtype=torch.float64))
    assert states[:, 1].tolist() == [1, 0, 2]
    assert states[1, 0] == 2
    assert (states[0, 0] + (1 << 62)) * 2.0**-32 == 1.5
    assert states[2, 0] == -(1 << 62)


def test_a_density_in_the_units_of_the_columns_is_less_by_the_known_scales() -> None:
    cells = Cells(COLUMNS, 2)
    states = cells.states(torch.tensor([[165.0, 1.0], [math.nan, 0.0]], dtype=torch.float64))
    assert cells.log_units(states).tolist() == [pytest.approx(math.log(10)), 0]


@pytest.mark.parametrize("row", [[math.inf, 0.0], [1.0, 2.0], [1.0, 0.5], [1.0, -1.0]])
def test_what_a_column_cannot_hold_is_refused(row: list[float]) -> None:
    with pytest.raises(ValueError, match="what its column cannot"):
        Cells(COLUMNS, 2).states(torch.tensor([row], dtype=torch.float64))


def mixture(weight: list[float], mean: list[float], deviation: list[float]) -> list[float]:
    return [math.log(w) for w in weight] + mean + [math.log(s - 0.001) for s in deviation]


def test_conditionals_are_mixtures_of_normal_densities_and_chances_of_words() -> None:
    # Of the height 0.25 N(-1, 0.5) and 0.75 N(1, 2) as it is scaled; of the word chances of 0.2 and 0.8.
    numbers = torch.tensor([[mixture([0.25, 0.75], [-1, 1], [0.5, 2]), [math.log(0.2), math.log(0.8)] + [-1e4] * 4]])
    cells, nan = Cells(COLUMNS, 2), math.nan

    def normal(x: float, mean: float, deviation: float) -> float:
        return math.exp(-(((x - mean) / deviation) ** 2) / 2) / deviation / math.sqrt(2 * math.pi)

    log_p = cells.log_conditional(numbers, torch.tensor([[155.0, 1.0]], dtype=torch.float64))
    density = (0.25 * normal(0.5, -1, 0.5) + 0.75 * normal(0.5, 1, 2)) / 10
    assert log_p[0].tolist() == [pytest.approx(math.log(density)), pytest.approx(math.log(0.8))]
    assert cells.log_conditional(numbers, torch.tensor([[nan, 0.0]], dtype=torch.float64))[0, 0].isnan()
    assert cells.expected(numbers)[0].tolist() == [pytest.approx(150 + 10 * 0.5), 1]


def test_frames_have_words_and_only_the_columns_that_are_known() -> None:
    pandas = pytest.importorskip("pandas")
    cells = Cells(COLUMNS, 2)
    frame = cells.frame(cells.array(pandas.DataFrame({"smoker": ["yes", None, "no"]}, index=[7, 8, 9])), [7, 8, 9])
    assert frame["height"].isna().all() and list(frame.index) == [7, 8, 9]
    assert frame["smoker"].astype(object).where(frame["smoker"].notna(), None).tolist() == ["yes", None, "no"]
    with pytest.raises(ValueError, match="'perhaps' is no word of column 'smoker'; these are no, yes"):
        cells.array(pandas.DataFrame({"smoker": ["perhaps"]}))
    with pytest.raises(ValueError, match="the table has no column 'weight'; its columns are height, smoker"):
        cells.array(pandas.DataFrame({"weight": [1.0]}))
