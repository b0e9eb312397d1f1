"""Figures of regions and pairs of sites: how the verb `marginals` is asked for them, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ._tables import Table, have_pandas, table

Sites: TypeAlias = Any
"""The sites of a region: text as the verb takes it ("rows 0-3", "[0:4, 0:8]", "half"), numbers of sites, or a boolean
array of the layout's shape that is true at them."""


def sites_text(sites: Sites) -> str:
    import numpy

    if isinstance(sites, str):
        return sites
    array = numpy.asarray(sites)
    if array.dtype == bool:
        array = numpy.flatnonzero(array)
    elif array.size and array.dtype.kind not in "iu":
        raise TypeError(f"a region's sites are text, whole numbers or a boolean array, and these are {array.dtype}")
    return ",".join(str(int(site)) for site in array.flatten())


def figure_words(
    regions: Mapping[str, Sites], between: Iterable[Sequence[str]], pairs: Iterable[Sequence[int]], **flags: bool
) -> list[str]:
    words = [f"--region={name}={sites_text(sites)}" for name, sites in regions.items()]
    for first, second in between:
        words += ["--between", first, second]
    words += [f"--pair={first},{second}" for first, second in pairs]
    return words + [f"--{name.replace('_', '-')}" for name, wanted in flags.items() if wanted]


def figure_table(lines: str) -> Table:
    """What `--format json` printed, NaN where nothing is known."""
    rows = [json.loads(line) for line in lines.splitlines()]
    columns = list(rows[0]) if rows else []
    texts = {"figure", "of", "by", "sites", "count"}
    return table(columns, [[row[c] if c in texts else _number(row[c]) for c in columns] for row in rows], have_pandas())


def _number(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
