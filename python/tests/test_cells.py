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
