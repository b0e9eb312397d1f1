"""marginalia from Python: results as tables, trained models, runs, plots.

open(file)      a results store, read-only: trials, figures, curves, samples as tables
load(trial)     a trained model: log_marginal, conditional_logits, sample, complete, score
run(file)       trains what an experiment file, or a dict, asks for, and returns the trials
plot_curves, plot_marginal_error, show_samples        pictures, by matplotlib

The reference page is docs/python.md. Nothing but the standard library is imported before it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._errors import Error

if TYPE_CHECKING:
    from ._model import Model, load
    from ._plots import Drawing, plot_curves, plot_marginal_error, show_samples
    from ._run import run
    from ._states import States
    from ._store import Store, open
    from ._tables import Table

__version__ = "0.1.0"

_modules = {
    "_model": ["Model", "load"],
    "_plots": ["Drawing", "plot_curves", "plot_marginal_error", "show_samples"],
    "_run": ["run"],
    "_states": ["States"],
    "_store": ["Store", "open"],
    "_tables": ["Table"],
}
_places = {name: module for module, names in _modules.items() for name in names}

__all__ = [
    "Drawing",
    "Error",
    "Model",
    "States",
    "Store",
    "Table",
    "load",
    "open",
    "plot_curves",
    "plot_marginal_error",
    "run",
    "show_samples",
]


def __getattr__(name: str) -> Any:
    if name not in _places:
        raise AttributeError(f"module 'marginalia' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"{__name__}.{_places[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
