"""States on their way into a model, and its answers in the form that the states had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ._cells import Cells
from ._tables import have_pandas

if TYPE_CHECKING:
    import torch

Array: TypeAlias = Any
"""A numpy array or a torch tensor."""

States: TypeAlias = Any
"""Whole numbers as a numpy array, a torch tensor or lists: symbols 0 to K - 1, and K or -1 where a site is unknown.
(D) is one state, (B, D) are many; sites in rows and columns may be given so: (B, rows, columns). Rows of a table are
floats, or a pandas.DataFrame."""

Texts: TypeAlias = str | Sequence[str]
"""States as the energy or dataset prints them, _ for an unknown site: "++__", or a list of such."""


def is_text(x: object) -> bool:
    return isinstance(x, str) or (isinstance(x, Sequence) and len(x) > 0 and isinstance(x[0], str))


def is_frame(x: object) -> bool:
    return hasattr(x, "columns") and hasattr(x, "index")


class Given:
    """States or rows of a table as they were given, not as texts.

    rows     (B, D) int64, as a network takes them
    cells    of a table: (B, D) float64 in the columns' units; else None
    single   whether it was one state
    """

    def __init__(
        self, x: States, shape: tuple[int, ...], categories: int, cells: Cells | None, device: torch.device
    ) -> None:
        import torch

        self.index: Any = x.index if is_frame(x) else None
        self._device = device if isinstance(x, torch.Tensor) else None
        if is_frame(x):
            if cells is None:
                raise TypeError("a data frame holds rows of a table, and this model's states are not such rows")
            x = cells.array(x)
        rows = torch.as_tensor(x)
        sites = len(cells.names) if cells else int(torch.tensor(shape).prod())
        self.single = rows.dim() <= 1 or (tuple(rows.shape) == shape and len(shape) > 1)
        flattened = rows.reshape(1, -1) if self.single else rows.flatten(1)
        if flattened.shape[1] != sites:
            raise ValueError(f"a state of shape {tuple(rows.shape)} does not have this model's {sites} sites")
        self.cells: Any = flattened.double().cpu() if cells else None
        self.rows = cells.states(self.cells) if cells else _symbols(flattened, categories)

    def back(self, answer: torch.Tensor) -> Array:
        """An answer (B, ...) as the states were: of a frame's rows one number each as a Series, of a tensor on the
        model's device."""
        answer = answer[0] if self.single else answer
        if self._device is not None:
            return answer.to(self._device)
        values = answer.cpu().numpy()
        if self.index is None or values.ndim != 1:
            return values
        import pandas

        return pandas.Series(values, index=self.index)


def _symbols(rows: torch.Tensor, categories: int) -> torch.Tensor:
    import torch

    if rows.is_floating_point() or rows.is_complex():
        raise TypeError(f"states are whole numbers, and these are {rows.dtype}; use x.astype(int)")
    rows = rows.long()
    if rows.numel() == 0:
        return rows
    low, high = (int(value) for value in torch.aminmax(rows))
    if low < -1 or high > categories:
        bad = low if low < -1 else high
        raise ValueError(f"{bad} is not a symbol: these are 0 to {categories - 1}, and unknown -1 or {categories}")
    return torch.where(rows < 0, categories, rows) if low < 0 else rows


def written(x: Texts | Given, folder: str) -> str:
    """A file of the states in the folder, for the program."""
    import numpy

    if isinstance(x, Given):
        file = os.path.join(folder, "states.npy")
        numpy.save(file, x.rows.cpu().numpy().astype(numpy.uint8) if x.cells is None else x.cells.numpy())
        return file
    lines = [x] if isinstance(x, str) else list(x)
    if any("\n" in line or not line for line in lines):
        raise ValueError("a state's text is one line that is not empty")
    file = os.path.join(folder, "states.txt")
    Path(file).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return file


def completed(drawn: Any, x: Texts | Given, cells: Cells | None) -> Any:
    """Completions (B, n, D) in the form of what was given: of a frame's rows, and of texts where pandas is, a frame."""
    import torch

    if isinstance(x, Given) and x.index is None:
        return x.back(torch.from_numpy(drawn))
    single = isinstance(x, str)
    if cells is None or not have_pandas():
        return drawn[0] if single else drawn
    import pandas

    count, draws, sites = drawn.shape
    rows: Any = x.index if isinstance(x, Given) else pandas.RangeIndex(count, name="row")
    index = None if single else pandas.MultiIndex.from_product([rows, range(draws)], names=[rows.name or "row", "draw"])
    return cells.frame(drawn.reshape(-1, sites), index)
