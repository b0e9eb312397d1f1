"""Configs of trials: their keys, and which trials have which values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._errors import Error, suggestion


def as_list(value: Any) -> list[Any]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        value = [value]
    return [item.item() if hasattr(item, "item") else item for item in value]  # numbers of numpy


def config_of(text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError:  # of a row that `marginalia recover` stood in for a lost one
        return {}
    return config if isinstance(config, dict) else {}


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keys joined by dots: {"train": {"steps": 5}} is {"train.steps": 5}."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found.update({f"{key}.{inner}": it for inner, it in flat(value).items()})
        else:
            found[key] = value
    return found


def find_key(key: str, configs: Iterable[Mapping[str, Any]]) -> str:
    """The whole key that is meant: itself, or the only one that ends so."""
    known = {name for config in configs for name in config}
    if key in known or not known:
        return key
    fitting = sorted(name for name in known if name.endswith("." + key))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Error(f"config key '{key}' may be any of {', '.join(fitting)}; write one of them")
    tails = {name.rpartition(".")[2]: name for name in known}
    raise Error(f"no trial has a config key '{key}'{suggestion(key, {*known, *tails}, 'keys')}")


def of_config(trials: list[dict[str, Any]], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    configs = [flat(trial["config"]) for trial in trials]
    for key, value in wanted.items():
        whole, values = find_key(key, configs), as_list(value)
        kept = [i for i, config in enumerate(configs) if config.get(whole) in values]
        trials, configs = [trials[i] for i in kept], [configs[i] for i in kept]
    return trials


def differing(trials: Sequence[Mapping[str, Any]], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys in which trials of the same experiment differ, plugins first."""
    values: dict[tuple[str, str], set[str]] = {}
    of: dict[str, list[Mapping[str, Any]]] = {}
    for trial, config in zip(trials, configs):
        of.setdefault(trial["experiment"], []).append(config)
    for experiment, members in of.items():
        for key in {key for config in members for key in config}:
            values[experiment, key] = {json.dumps(config.get(key)) for config in members}
    found = {key for (_, key), seen in values.items() if len(seen) > 1}
    return sorted(found, key=lambda key: (not key.endswith(".plugin"), key))
