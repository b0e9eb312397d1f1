"""States that a store keeps of its trials."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._errors import Error

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class States:
    """States that the store keeps of a trial.

    x            (n, D) int64: symbols 0 to K - 1, K where a site is unknown
    shape        of one state: (rows, columns) of a lattice, (D,) of a sequence
    categories   K
    texts        n texts, as the energy or dataset prints them; or none
    """

    x: NDArray[numpy.int64]
    shape: tuple[int, ...]
    categories: int
    texts: list[str]

    def __len__(self) -> int:
        return len(self.x)


def states_of(trial: int, name: str, data: str) -> States:
    """Of a sample of kind "states", which may come from anybody."""
    import numpy

    try:
        sample = json.loads(data)
        shape = tuple(int(extent) for extent in sample["shape"])
        categories, rows, texts = int(sample["categories"]), sample["states"], list(sample.get("texts") or [])
        x = numpy.array(rows, dtype=numpy.int64).reshape(len(rows), math.prod(shape))
        if len(x) == 0 or x.min() < 0 or x.max() > categories or not 2 <= categories <= 255:
            raise ValueError("symbols out of range")
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Error(
            f"the sample '{name}' of trial {trial} is not of the form that marginalia writes ({error})", 4
        ) from None
    return States(x, shape, categories, [str(text) for text in texts])
