"""A results store as tables."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from ._configs import as_list, config_of, differing, find_key, flat, of_config
from ._database import Database, default_store
from ._errors import Error, suggestion
from ._metrics import by_importance, highest_is_best, known_metrics, main_metrics
from ._states import states_of
from ._tables import Table, have_pandas, table

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_STATUSES = "queued running done failed timeout oom preempted lost pruned cancelled paused".split()


class Filter(TypedDict, total=False):
    """Which trials, in every method that takes filters; all that are given must hold, nothing given is all trials.

    trial        its number, or as the program names one: "last", "best:METRIC" or "best:METRIC@EXPERIMENT", a prefix of
                 its config_hash; or a list
    experiment   the experiment's name, or a list of names
    status       "done", "running", ..., or a list
    seed         a number, or a list
    config       keys of the config and the value, or a list of values, that they have:
                 {"train.learning_rate": [1e-3, 2e-3]}; the last part of a key is enough where only one key ends so
    where        SQL over the columns of the view `trials`: "seconds > 60 AND device LIKE 'cuda%'"
    """

    trial: int | str | Sequence[int | str]
    experiment: str | Sequence[str]
    status: str | Sequence[str]
    seed: int | Sequence[int]
    config: Mapping[str, Any]
    where: str


def open(store: str | os.PathLike[str] | None = None, *, pandas: bool | None = None) -> Store:
    """A store, to be read: `with marginalia.open("marginalia.db") as store:`.

    store     the file; left out: MARGINALIA_STORE, else marginalia.db
    pandas    whether tables are DataFrames; left out: if pandas is installed

    It is never written to, and may be read while trials run. Raises Error with exit code 4 where the file is no store
    or has another layout than this package reads.
    """
    return Store(default_store() if store is None else store, pandas=pandas)


class Store:
    """The views of a results store (docs/store.md) as tables: DataFrames, or without pandas lists of dicts.

    Used by one thread. Every method asks the file anew, so that while a sweep runs each call gives what is there now. A
    trial whose process was killed is called running until the next `marginalia run`, as the file itself says.
    """

    def __init__(self, file: str | os.PathLike[str], *, pandas: bool | None = None) -> None:
        self._database = Database(file)
        self._frames = have_pandas() if pandas is None else pandas

    @property
    def file(self) -> str:
        return str(self._database.file)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"marginalia.open({self.file!r})"

    def query(self, sql: str, values: Sequence[Any] = ()) -> Table:
        """The rows of one SELECT over the views; `values` stand for its question marks."""
        columns, rows = self._database.rows(sql, values)
        return self._table(columns, rows)

    def experiments(self) -> list[str]:
        """The names of all experiments, in the order in which they came."""
        return [
            row[0] for row in self._rows("SELECT experiment FROM trials GROUP BY experiment ORDER BY min(trial_id)")
        ]

    def metrics(self) -> list[str]:
        """The names of all metrics that any trial has, the most telling first."""
        names = "SELECT name FROM summaries UNION SELECT name FROM final_metrics"
        return by_importance(row[0] for row in self._rows(names))

    def trials(self, **filters: Unpack[Filter]) -> Table:
        """One row a trial, with the columns of the view `trials`; `config` is a dict of dicts. Filters: `Filter`."""
        trials = self._trials(filters)
        columns = list(trials[0]) if trials else self._database.rows("SELECT * FROM trials LIMIT 0")[0]
        return self._table(columns, [list(trial.values()) for trial in trials])

    def results(
        self, metrics: str | Sequence[str] | None = None, keys: Sequence[str] | None = None, **filters: Unpack[Filter]
    ) -> Table:
        """One row a trial: what it was, and its final figures side by side. What a sweep comes to.

        metrics   names of final metrics, or "all"; left out: those of the program's tables that the trials have, in its
                  order, the most telling first
        keys      keys of the config, as "train.learning_rate"; left out: those in which trials of an experiment differ

        Columns: trial_id, experiment, status, seed, the keys, the metrics. A figure that a trial has not, and one that
        was not a number, is NaN.
        """
        trials = self._trials(filters)
        configs = [flat(trial["config"]) for trial in trials]
        shown = differing(trials, configs) if keys is None else [find_key(key, configs) for key in keys]
        finals: dict[int, dict[str, float]] = {}
        for trial, name, value in self._of(trials, "SELECT trial_id, name, value FROM final_metrics"):
            finals.setdefault(trial, {})[name] = number(value)
        there = {name for figures in finals.values() for name in figures}
        if metrics is None or metrics == "all":
            names = by_importance(there if metrics else there & main_metrics())
        else:
            names = self._known(metrics)
        rows = [
            [trial["trial_id"], trial["experiment"], trial["status"], trial["seed"]]
            + [config.get(key) for key in shown]
            + [finals.get(trial["trial_id"], {}).get(name, math.nan) for name in names]
            for trial, config in zip(trials, configs)
        ]
        return self._table(["trial_id", "experiment", "status", "seed", *shown, *names], rows)

    def final_metrics(self, metrics: str | Sequence[str] | None = None, **filters: Unpack[Filter]) -> Table:
        """One row a trial and final figure: trial_id, experiment, config_hash, seed, name, value (NaN where it was)."""
        return self._long("SELECT trial_id, name, value FROM final_metrics", ["value"], metrics, filters)

    def curves(self, metrics: str | Sequence[str] | None = None, *, every: int = 1, **filters: Unpack[Filter]) -> Table:
        """One row a recorded point: trial_id, experiment, config_hash, seed, name, step, value, time.

        step is the optimiser's step, or what the metric's page says (of "marginal_rmse_by_size" the number of known
        sites); value is NaN where it was; time is in seconds since 1970. `every`: only steps that it divides.
        """
        if every < 1:
            raise ValueError(f"every is {every}; give 1 or more")
        sql = f"SELECT trial_id, name, step, value, time FROM metrics WHERE step % {int(every)} = 0"
        return self._long(sql, ["step", "value", "time"], metrics, filters)

    def samples(self, name: str | None = None, *, kind: str | None = None, **filters: Unpack[Filter]) -> Table:
        """States, texts and pictures that trials left: trial_id, name, step, kind, data.

        data is a `States` where kind is "states", and otherwise a str: a text, or the source of an SVG picture.
        """
        trials = self._trials(filters)
        sql = "SELECT trial_id, name, step, kind, data FROM samples"
        rows = [
            (trial, own, step, its, states_of(trial, own, data) if its == "states" else data)
            for trial, own, step, its, data in self._of(trials, sql)
            if (name is None or own == name) and (kind is None or its == kind)
        ]
        return self._table(["trial_id", "name", "step", "kind", "data"], rows)

    def checkpoints(self, **filters: Unpack[Filter]) -> Table:
        """What `load` can open: trial_id, step, bytes, created."""
        trials = self._trials(filters)
        rows = self._of(trials, "SELECT trial_id, step, bytes, created FROM checkpoints")
        return self._table(["trial_id", "step", "bytes", "created"], rows)

    def best(self, metric: str, *, highest: bool | None = None, experiment: str | None = None) -> dict[str, Any]:
        """The trial that `best:METRIC` names, and its figure under `value`: the row of the view `trials` as a dict.

        Of trials that are done, by the final metric or, where a trial has none, its last recorded value; what is not
        finite does not compete. `highest`: that the highest is best; left out: as the metric should be. Raises Error
        where trials of several energies or data sets have the metric, as their figures are not comparable.
        """
        (trial, value), *_ = self._ranked(metric, highest, experiment, 1)
        return {**self._trials({"trial": trial})[0], "value": value}

    def ranking(self, metric: str, n: int = 10, *, highest: bool | None = None, experiment: str | None = None) -> Table:
        """The n best trials as `best` ranks them: the metric, then the columns of `results` without other metrics."""
        values = dict(self._ranked(metric, highest, experiment, n))
        trials = {trial["trial_id"]: trial for trial in self._trials({"trial": list(values)})}
        others = self._trials({"experiment": sorted({trial["experiment"] for trial in trials.values()})})
        keys = differing(others, [flat(trial["config"]) for trial in others])
        configs = {trial: flat(trials[trial]["config"]) for trial in values}
        rows = [
            [trial, trials[trial]["experiment"], trials[trial]["seed"], value, *map(configs[trial].get, keys)]
            for trial, value in values.items()
        ]
        return self._table(["trial_id", "experiment", "seed", metric, *keys], rows)

    # What the methods share.

    def _table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
        return table(columns, rows, self._frames)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._database.rows(sql, values)[1]

    def _trials(self, filters: Filter) -> list[dict[str, Any]]:
        unknown = set(filters) - set(Filter.__annotations__)
        if unknown:
            name = sorted(unknown)[0]
            raise TypeError(f"'{name}' is no filter{suggestion(name, Filter.__annotations__, 'filters')}")
        conditions, values = self._conditions(filters)
        columns, rows = self._database.rows(
            f"SELECT * FROM trials WHERE {' AND '.join(conditions) or '1'} ORDER BY trial_id", values
        )
        trials = [dict(zip(columns, row)) for row in rows]
        for trial in trials:
            trial["config"] = config_of(trial["config"])
        return of_config(trials, filters.get("config") or {})

    def _conditions(self, filters: Filter) -> tuple[list[str], list[Any]]:
        wanted: dict[str, list[Any]] = {}
        if "trial" in filters:
            wanted["trial_id"] = [self._number_of(name) for name in as_list(filters["trial"])]
        if "experiment" in filters:
            wanted["experiment"] = as_list(filters["experiment"])
            _require(wanted["experiment"], self.experiments(), "experiment", "in this store", "experiments")
        if "status" in filters:
            wanted["status"] = as_list(filters["status"])
            _require(wanted["status"], _STATUSES, "status", "", "statuses")
        if "seed" in filters:
            wanted["seed"] = [int(seed) for seed in as_list(filters["seed"])]
        conditions = [f"{column} IN (SELECT value FROM json_each(?))" for column in wanted]
        if filters.get("where"):
            conditions.append(f"({filters['where']})")
        return conditions, [json.dumps(values) for values in wanted.values()]

    def _of(self, trials: Sequence[Mapping[str, Any]], sql: str, names: Sequence[str] | None = None) -> list[Any]:
        """Rows of a statement whose first column is trial_id, of these trials."""
        asked = f"SELECT * FROM ({sql}) WHERE trial_id IN (SELECT value FROM json_each(?))"
        values = [json.dumps([trial["trial_id"] for trial in trials])]
        if names is not None:
            asked += " AND name IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(names)))
        return self._rows(asked, values)

    def _long(self, sql: str, columns: Sequence[str], metrics: str | Sequence[str] | None, filters: Filter) -> Table:
        trials = {trial["trial_id"]: trial for trial in self._trials(filters)}
        names = None if metrics is None else self._known(metrics)
        place = 1 + list(columns).index("value")
        rows = []
        for row in self._of(list(trials.values()), sql, names):
            of = trials[row[0]]
            numbers = [number(value) if i + 1 == place else value for i, value in enumerate(row[2:])]
            rows.append([row[0], of["experiment"], of["config_hash"], of["seed"], row[1], *numbers])
        return self._table(["trial_id", "experiment", "config_hash", "seed", "name", *columns], rows)

    def _known(self, metrics: str | Sequence[str]) -> list[str]:
        names = as_list(metrics)
        there = self.metrics()
        _require(names, {*there, *known_metrics()}, "metric", "in this store", "metrics", there)
        return names

    def _ranked(self, metric: str, highest: bool | None, experiment: str | None, n: int) -> list[tuple[int, float]]:
        if experiment is not None:
            _require([experiment], self.experiments(), "experiment", "in this store", "experiments")
        down = highest_is_best(metric) if highest is None else highest
        rows = self._rows(
            f"""SELECT trial_id, v FROM (
                SELECT trial_id, value AS v, 0 AS later FROM final_metrics WHERE name = ? UNION ALL
                SELECT trial_id, last, 1 FROM summaries s WHERE name = ? AND NOT EXISTS
                    (SELECT 1 FROM final_metrics f WHERE f.trial_id = s.trial_id AND f.name = s.name))
            JOIN trials USING (trial_id) WHERE abs(v) < 9e999 AND status = 'done' AND (? IS NULL OR experiment = ?)
            ORDER BY v {"DESC" if down else "ASC"}, later, trial_id""",
            [metric, metric, experiment, experiment],
        )
        if not rows:
            there = self.metrics()
            near = suggestion(metric, there, "the metrics") if metric not in there else ""
            raise Error(f"no trial that is done has a finite '{metric}'{near}", 5)
        self._require_one_target(metric, [trial for trial, _ in rows])
        return rows[:n]

    def _require_one_target(self, metric: str, trials: list[int]) -> None:
        """`trials`: the best first."""
        sql = """SELECT trial_id, experiment, coalesce(json_extract(config, '$.energy'), '') ||
                 coalesce(json_extract(config, '$.dataset'), '') FROM trials
                 WHERE trial_id IN (SELECT value FROM json_each(?))"""
        of = {trial: (experiment, target) for trial, experiment, target in self._rows(sql, [json.dumps(trials)])}
        best: dict[str, str] = {}
        for trial in trials:
            experiment, target = of[trial]
            best.setdefault(target, f"{trial} of '{experiment}'")
        if len(best) > 1:
            shown = ", ".join(list(best.values())[:5]) + (f" and {len(best) - 5} more" if len(best) > 5 else "")
            raise Error(
                f"'{metric}' of {len(best)} energies or data sets is not comparable; name a trial by its number, or "
                f"best:{metric}@EXPERIMENT; the best of each: {shown}",
                5,
            )

    def _number_of(self, name: int | str) -> int:
        """The trial that a name is of, as the program's verbs take them; "last" is the one that started last."""
        if not isinstance(name, str):
            return int(name)
        if name == "last":
            rows = self._rows("SELECT trial_id FROM trials ORDER BY started DESC NULLS LAST, trial_id DESC LIMIT 1")
            if not rows:
                raise Error(f"there is no trial yet in store {self.file}", 5)
            return int(rows[0][0])
        if name.startswith("best:"):
            what, _, experiment = name[5:].partition("@")
            metric, _, end = what.rpartition(":")
            if end not in ("min", "max"):
                metric, end = what, ""
            return self._ranked(metric, end == "max" if end else None, experiment or None, 1)[0][0]
        if name.isdecimal() and len(name) < 19 and self._rows("SELECT 1 FROM trials WHERE trial_id = ?", [int(name)]):
            return int(name)
        return self._with_hash(name)

    def _with_hash(self, name: str) -> int:
        prefix, _, seed = name.partition(":")
        sql = (
            "SELECT trial_id FROM trials WHERE substr(config_hash, 1, ?) = ? AND (? = '' OR seed = CAST(? AS INTEGER))"
        )
        found = self._rows(sql, [len(prefix), prefix, seed, seed]) if len(prefix) >= 4 else []
        if len(found) == 1:
            return int(found[0][0])
        if found:
            listed = ", ".join(str(row[0]) for row in found[:8])
            raise Error(f"'{name}' names {len(found)} trials ({listed}); give a number, or a seed as in {prefix}:0", 5)
        raise Error(
            f"there is no trial '{name}'; name one by its number, 'last', 'best:METRIC', or four or more characters of "
            f"its config_hash",
            5,
        )


def number(value: float | None) -> float:
    return math.nan if value is None else value


def _require(
    names: Iterable[str], known: Iterable[str], what: str, where: str, many: str, shown: Iterable[str] | None = None
) -> None:
    for name in names:
        if name not in known:
            words = f"there is no {what} '{name}'{' ' + where if where else ''}"
            raise Error(words + suggestion(str(name), known if shown is None else shown, many), 5)
