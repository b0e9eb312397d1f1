"""Tables: pandas DataFrames where pandas is installed, otherwise lists of dicts."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

Table: TypeAlias = Any
"""A pandas.DataFrame, or without pandas a list with a dict for each row. The columns are the same."""


def have_pandas() -> bool:
    return importlib.util.find_spec("pandas") is not None


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], frames: bool) -> Table:
    """Rows under these columns, a value for each, as a DataFrame where `frames`."""
    if not frames:
        return [dict(zip(columns, row)) for row in rows]
    import pandas

    records: Any = list(rows)
    return pandas.DataFrame.from_records(records, columns=list(columns))
