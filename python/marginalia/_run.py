"""`run`: training from Python."""

from __future__ import annotations

import contextlib
import html
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._child import Ended, in_notebook, on_terminal, run_child
from ._database import default_store
from ._errors import Error
from ._program import find_program, sentences_of
from ._store import Store
from ._tables import Table
from ._toml import override_words, toml_text

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run(
    experiment: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    store: str | os.PathLike[str] | Store | None = None,
    *,
    check: bool = True,
    quiet: bool = False,
    again: bool = False,
    retry_failed: bool = False,
    program: str | os.PathLike[str] | None = None,
    plugin_path: Sequence[str | os.PathLike[str]] = (),
) -> Table:
    """Does what is missing of an experiment, as `marginalia run`, and returns the trials: `Store.results` of it.

    experiment     an experiment file, or what would be in one as a dict; file names in a dict count from the working
                   directory
    overrides      {"train.steps": 100, "objective.penalty": [0.3, 1, 3]}: a list sweeps over its values, None removes a
                   key; or the words of the command line, ["train.steps=100"]
    store          the store's file; left out: MARGINALIA_STORE, else marginalia.db
    check          raise Error where a trial failed, which has the table as `trials`; False: the table says which
    quiet          no progress
    again, retry_failed, plugin_path     as the program's options
    program        the program `marginalia`; left out: MARGINALIA, else PATH, else the clone this came from

    Progress is shown on a terminal, in a notebook, or in lines. Ctrl-C (in a notebook: interrupt the kernel) lets the
    trials checkpoint and raises KeyboardInterrupt; the same call goes on from there. Raises Error with the program's
    words and exit code where it refuses the experiment. The table has all of the experiment's trials that are in the
    store, those of earlier runs too.
    """
    found = find_program(program)
    file = store.file if isinstance(store, Store) else os.fspath(store or default_store())
    words = ["--store", file]
    for folder in plugin_path:
        words += ["--plugin-path", os.fspath(folder)]
    with _experiment_file(experiment) as path:
        before = _newest_sweep(file)
        words += ["run", path, *override_words(overrides)]
        words += ["--quiet"] * quiet + ["--again"] * again + ["--retry-failed"] * retry_failed
        ended = _watched([found, *words], file, before, quiet)
        return _outcome(ended, file, before, path, check, isinstance(experiment, Mapping))


@contextlib.contextmanager
def _experiment_file(experiment: str | os.PathLike[str] | Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(experiment, Mapping):
        yield os.fspath(experiment)
        return
    # In the working directory, from which the file names in it count.
    name = re.sub(r"\W+", "-", str(experiment.get("name", "experiment")))
    folder = "." if os.access(".", os.W_OK) else None
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f".{name}-", suffix=".toml", encoding="utf-8") as stream:
        stream.write(toml_text(experiment))
        stream.flush()
        yield stream.name


def _newest_sweep(file: str) -> int:
    with contextlib.suppress(Error), Store(file, pandas=False) as store:
        return int(store.query("SELECT coalesce(max(sweep_id), 0) AS newest FROM sweeps")[0]["newest"])
    return 0


def _experiment_since(store: Store, sweep: int, path: str) -> str | None:
    """The name of the experiment of the newest run of this file after that sweep."""
    rows = store._rows("SELECT experiment, file FROM sweeps WHERE sweep_id > ? ORDER BY sweep_id DESC", [sweep])
    ours = [name for name, file in rows if os.path.realpath(file) == os.path.realpath(path)]
    return str(ours[0]) if ours else None


def _outcome(ended: Ended, file: str, before: int, path: str, check: bool, was_dict: bool) -> Table:
    if ended.interrupted and ended.code != 0:
        raise KeyboardInterrupt
    said = _ESCAPES.sub("", ended.said)
    if was_dict:  # whose file is gone by now
        said = re.sub(re.escape(path) + r"(:\d+)*(: )?", "", said)
    if ended.code < 0:
        raise Error(f"the program marginalia was ended by signal {-ended.code}", 128 - ended.code)
    if ended.code not in (0, 1):
        raise Error(sentences_of(said), ended.code)
    with Store(file) as store:
        name = _experiment_since(store, before, path)
        if name is None:
            raise Error(sentences_of(said), ended.code or 1)
        trials = store.results(experiment=name)
        if ended.code == 1 and check:
            raise Error(_failures(store, name) or sentences_of(said), 1, trials)
        return trials


def _failures(store: Store, experiment: str) -> str:
    failed = store._rows(
        "SELECT trial_id, status, error FROM trials "
        "WHERE experiment = ? AND status IN ('failed', 'timeout', 'oom', 'lost') ORDER BY trial_id",
        [experiment],
    )
    if not failed:
        return ""
    lines = [f"trial {trial} ({status}): {error}" for trial, status, error in failed[:5]]
    more = [f"and {len(failed) - 5} more"] if len(failed) > 5 else []
    count = "1 trial" if len(failed) == 1 else f"{len(failed)} trials"
    return "\n".join([f"{count} of {experiment} did not end well", *lines, *more])


def _watched(command: Sequence[str], file: str, before: int, quiet: bool) -> Ended:
    if in_notebook() and not quiet:
        view = _NotebookView(file, before)
        try:
            return run_child(command, view.hear, view.show, terminal=False)
        finally:
            view.close()
    relay = _Relay()
    ended = run_child(command, relay.hear, lambda: None, on_terminal())
    relay.finish(ended)
    return ended


class _Relay:
    """Passes on what the program says, all but its last words where these become an Error."""

    def __init__(self) -> None:
        self._held = ""  # the beginning of a line that may be the last words, or these

    def hear(self, text: str) -> None:
        text = self._held + text
        found = re.search(r"(^|(?<=\r))marginalia: ", text, re.MULTILINE)
        at = max(text.rfind("\n"), text.rfind("\r")) + 1 if found is None else found.start()
        if found is None and not "marginalia: ".startswith(text[at:]):
            at = len(text)
        self._say(text[:at])
        self._held = text[at:]

    def finish(self, ended: Ended) -> None:
        if ended.code in (0, 1) or ended.interrupted:
            self._say(self._held)

    def _say(self, text: str) -> None:
        if text:
            sys.stderr.write(text)
            sys.stderr.flush()


class _NotebookView:
    """A line and a bar under the cell, redrawn from what the store holds; below it, what the program says."""

    def __init__(self, file: str, before: int) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._file, self._before = file, before
        self._next, self._shown, self._begun = 0.0, "", ""
        self._first: tuple[float, float] | None = (
            None  # when, and how many trials were done, running ones by their share
        )
        self._handle = display(HTML("starting"), display_id=True)

    def hear(self, text: str) -> None:
        # Progress is what the bar shows; of the program's lines, those that are about something else.
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip() and not re.match(r"trial \d+( \(.*\) started on|: )|marginalia: ", line):
                print(line, flush=True)

    def show(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        self._draw()

    def close(self) -> None:
        self._draw()

    def _draw(self) -> None:
        text = ""
        with contextlib.suppress(Error):
            text = self._text()
        if text and text != self._shown:
            self._shown = text
            self._handle.update(self._html(text))

    def _text(self) -> str:
        with Store(self._file, pandas=False) as store:
            sweep = store._rows("SELECT max(sweep_id) FROM sweeps WHERE sweep_id > ?", [self._before])[0][0]
            if sweep is None:
                return ""
            name, total = store._rows("SELECT experiment, trials FROM sweeps WHERE sweep_id = ?", [sweep])[0]
            counts = dict(
                store._rows("SELECT status, count(*) FROM trials WHERE experiment = ? GROUP BY status", [name])
            )
            running = store._rows(
                """SELECT t.trial_id, coalesce(max(s.last_step), 0), t.config ->> '$.train.steps', t.trained
                FROM trials t LEFT JOIN summaries s ON s.trial_id = t.trial_id AND s.name = 'loss'
                WHERE t.experiment = ? AND t.status = 'running' GROUP BY t.trial_id""",
                [name],
            )
        done = min(counts.get("done", 0), total)
        share = done + sum(1 if trained else step / steps if steps else 0 for _, step, steps, trained in running)
        left = "" if share >= total else self._left(share, total)
        told = [f"{done} of {total} {'trial' if total == 1 else 'trials'} done"]
        for trial, step, steps, trained in running[:8]:
            told.append(f"trial {trial} is being evaluated" if trained else f"trial {trial} at step {step} of {steps}")
        told += [left] if left else []
        return (
            f"<progress value='{share:.4f}' max='{total}' style='width: 16em'></progress> "
            f"{html.escape(str(name))}: {html.escape(', '.join(told))}"
        )

    def _left(self, share: float, total: float) -> str:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, share)
        elapsed, done = now - self._first[0], share - self._first[1]
        if elapsed < 3 or done <= 0:
            return ""
        seconds = elapsed * (total - share) / done
        if seconds < 90:
            return f"about {max(1, round(seconds))} s left"
        return f"about {round(seconds / 60)} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"
