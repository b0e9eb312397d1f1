"""An experiment as a dict, written as TOML."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import Error


def toml_value(value: Any, key: str = "") -> str:
    """`1e-3`, `"text"`, `[1, 2]`, `{ log = [1e-4, 1e-2], n = 3 }`; numbers of numpy too."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, str | os.PathLike):
        return json.dumps(os.fspath(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {toml_value(it, f'{key}.{name}')}" for name, it in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "[" + ", ".join(toml_value(item, key) for item in value) + "]"
    what = "None" if value is None else f"a {type(value).__name__}"
    raise Error(f"'{key}' is {what}, which an experiment cannot hold; give a number, a text, a list or a dict")


def toml_text(experiment: Mapping[str, Any]) -> str:
    """An experiment file: a table for each dict, everything below it on a line."""
    plain = [f"{_key(key)} = {toml_value(it, key)}\n" for key, it in experiment.items() if not isinstance(it, Mapping)]
    tables = [
        f"\n[{_key(key)}]\n"
        + "".join(f"{_key(name)} = {toml_value(it, f'{key}.{name}')}\n" for name, it in table.items())
        for key, table in experiment.items()
        if isinstance(table, Mapping)
    ]
    return "".join(plain + tables)


def override_words(overrides: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """The words after the file on the command line; None removes a key, a list sweeps over it."""
    if isinstance(overrides, str):
        raise TypeError("overrides is a str; give a list of 'key=value', or a dict")
    if not isinstance(overrides, Mapping):
        return list(overrides)
    return [f"~{key}" if it is None else f"{key}={toml_value(it, key)}" for key, it in overrides.items()]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(str(key))
