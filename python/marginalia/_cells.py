"""Rows of tables as a network takes them (docs/continuous.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_ZERO = 1 << 62  # a number v is the whole count of steps of 2^-32 in it, less this
_MOST = 2.0**29


class Cells:
    """What the columns of a table hold: a list of {name, categories, words, centre, scale}, 0 categories a number."""

    def __init__(self, columns: Sequence[dict[str, Any]], unknown: int) -> None:
        import torch

        self.unknown = unknown
        self._symbols = torch.tensor([int(column["categories"]) for column in columns])
        self._centre = torch.tensor([float(column["centre"]) for column in columns], dtype=torch.float64)
        self._scale = torch.tensor([float(column["scale"]) for column in columns], dtype=torch.float64)

    def states(self, cells: torch.Tensor) -> torch.Tensor:
        """(B, D) float64 cells in the columns' units, words by their number, NaN for unknown: (B, D) int64."""
        import torch

        known, real = ~cells.isnan(), self._symbols == 0
        right = cells.isfinite() & (real | ((cells == cells.floor()) & (cells >= 0) & (cells < self._symbols)))
        if not bool((right | ~known).all()):
            raise ValueError("a cell holds what its column cannot: numbers are finite, words 0, 1, ..., unknown NaN")
        steps = ((cells - self._centre) / self._scale).clamp(-_MOST, _MOST) * 2.0**32
        numbers = steps.nan_to_num().round().long() - _ZERO
        held = torch.where(real, numbers, cells.nan_to_num().long())
        return torch.where(known, held, self.unknown)

    def log_units(self, states: torch.Tensor) -> torch.Tensor:
        """(B) float64: what a log-density is less in the columns' units than in those of the states."""
        known = (states.cpu() != self.unknown).double()
        return (known * self._scale.log() * (self._symbols == 0)).sum(1)
