"""Rows of tables as a network takes them (docs/continuous.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas
    import torch
    from numpy.typing import NDArray

_ZERO = 1 << 62  # a number v is the whole count of steps of 2^-32 in it, less this
_MOST = 2.0**29
_LEAST_DEVIATION = 0.001  # of a normal density in a mixture, of the scaled column


class Cells:
    """What the columns of a table hold: a list of {name, categories, words, centre, scale}, 0 categories a number."""

    def __init__(self, columns: Sequence[dict[str, Any]], unknown: int) -> None:
        import torch

        self.unknown = unknown
        self.names = [str(column["name"]) for column in columns]
        self._words: list[list[str]] = [
            [str(word) for word in column["words"]] or [str(k) for k in range(column["categories"])]
            for column in columns
        ]
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

    # What conditionals say: numbers (B, D, W), of a real column the logits of weights of C = W // 3 normal densities,
    # their means, and s of their standard deviations exp(s) + _LEAST_DEVIATION; of words W logits.

    def log_conditional(self, numbers: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """log p of each cell (B, D), in nats and the columns' units; NaN where it is unknown: (B, D) float64."""
        import torch

        numbers, real = numbers.double().cpu(), self._symbols == 0
        weight, mean, s = self._parts(numbers)
        z = (((cells - self._centre) / self._scale).unsqueeze(2) - mean) / (s.exp() + _LEAST_DEVIATION)
        log_normal = -0.5 * z * z - (s.exp() + _LEAST_DEVIATION).log() - 0.9189385332046727
        density = (weight.log_softmax(2) + log_normal).logsumexp(2) - self._scale.log()
        word = cells.nan_to_num().long().clamp(min=0).where(~real, torch.zeros((), dtype=torch.int64)).unsqueeze(2)
        chance = numbers.log_softmax(2).gather(2, word).squeeze(2)
        return torch.where(real, density, chance).where(~cells.isnan(), torch.nan)

    def expected(self, numbers: torch.Tensor) -> torch.Tensor:
        """The mean of each real column, and the number of the likeliest word of the others: (B, D) float64."""
        import torch

        numbers = numbers.double().cpu()
        weight, mean, _ = self._parts(numbers)
        scaled = (weight.softmax(2) * mean).sum(2)
        return torch.where(self._symbols == 0, scaled * self._scale + self._centre, numbers.argmax(2).double())

    @staticmethod
    def _parts(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        count = numbers.shape[2] // 3
        return numbers[..., :count], numbers[..., count : 2 * count], numbers[..., 2 * count : 3 * count]

    # Data frames.

    def array(self, frame: pandas.DataFrame) -> NDArray[Any]:
        """(B, D) float64 of a frame's columns by their names; those that it lacks are unknown. Words are as in the file
        that the model learnt from."""
        import numpy

        unknown = [str(name) for name in frame.columns if name not in self.names]
        if unknown:
            raise ValueError(f"the table has no column '{unknown[0]}'; its columns are {', '.join(self.names)}")
        cells = numpy.full((len(frame), len(self.names)), numpy.nan)
        for d, name in enumerate(self.names):
            if name in frame.columns:
                cells[:, d] = self._numbers(d, frame[name])
        return cells

    def _numbers(self, d: int, column: pandas.Series[Any]) -> NDArray[Any]:
        numbers: NDArray[Any]
        if not self._words[d]:
            numbers = column.to_numpy(float, na_value=float("nan"))
            return numbers
        code = {word: float(number) for number, word in enumerate(self._words[d])}
        words = column.astype("string")
        strange = words[words.notna() & ~words.isin(list(code))]
        if len(strange):
            raise ValueError(
                f"'{strange.iloc[0]}' is no word of column '{self.names[d]}'; these are {', '.join(self._words[d])}"
            )
        numbers = words.map(code).to_numpy(float, na_value=float("nan"))
        return numbers

    def frame(self, cells: NDArray[Any], index: Any = None) -> pandas.DataFrame:
        """Cells (B, D) as a frame, with words in place of their numbers."""
        import numpy
        import pandas

        columns: dict[str, Any] = {}
        for d, name in enumerate(self.names):
            codes = numpy.nan_to_num(cells[:, d], nan=-1).astype(int) if self._words[d] else None
            columns[name] = cells[:, d] if codes is None else pandas.Categorical.from_codes(codes, self._words[d])
        return pandas.DataFrame(columns, index=index)
