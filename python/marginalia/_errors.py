"""The one exception of this package."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class Error(Exception):
    """What went wrong, in one sentence that says what to do.

    exit_code   as the program's: 1 a trial failed, 2 wrong words or input, 3 a plugin is missing, 4 the store cannot be
                used, 5 nothing matched, 6 something could not be written
    trials      of `run` whose trials failed: the table of all its trials; otherwise None
    """

    def __init__(self, sentence: str, exit_code: int = 2, trials: Any = None) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.trials = trials


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """The end of a sentence about a name that is not there: the nearest one, or all that there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"; did you mean '{near[0]}'?"
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"; {what} here: {shown}" if names else ""
