"""A trained model: its network in this process, and what the program's verbs say of it."""

from __future__ import annotations

import csv
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ._cells import Cells
from ._database import default_store
from ._errors import Error
from ._figures import Sites, figure_table, figure_words
from ._given import Array, Given, States, Texts, completed, is_text, written
from ._program import ask, find_program
from ._store import Store
from ._tables import Table, have_pandas, table

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]


def load(
    trial: int | str,
    store: str | os.PathLike[str] | Store | None = None,
    *,
    device: str = "cpu",
    step: int | None = None,
    condition: Mapping[str, object] | None = None,
    program: str | os.PathLike[str] | None = None,
    plugin_path: Sequence[str | os.PathLike[str]] = (),
    trust: bool = False,
) -> Model:
    """The trained model of a trial, from the checkpoint that its store keeps.

    trial        as the program's verbs take it: a number, a prefix of a config hash, "last", "best:METRIC"
    store        the store's file, or an open one; left out: MARGINALIA_STORE, else marginalia.db
    device       "cpu", "cuda" or "cuda:1"
    step         of an earlier checkpoint, if the store has it; left out: the newest
    condition    {"coupling": 0.3}: which of the energies of train.family, or another one where the network sees
                 couplings; left out: the first
    program      the program `marginalia`; left out: MARGINALIA, else PATH, else the clone this came from
    plugin_path, trust     as the program's options, for plugins that it would not find or use by itself

    The program rebuilds the network from its own plugins (`marginalia checkpoint export`), so that nothing that came
    with a store is run. Raises Error where there is no such trial or checkpoint, or a plugin is missing.
    """
    file = store.file if isinstance(store, Store) else os.fspath(store or default_store())
    words = ["--store", os.path.abspath(file)]  # asked again later, perhaps from elsewhere
    for folder in plugin_path:
        words += ["--plugin-path", os.path.abspath(folder)]
    if trust:
        words.append("--trust")
    found = find_program(program)
    # Named once: "last" may be another trial a moment later.
    known = json.loads(ask(found, [*words, "show", str(trial), "--format", "json"]))
    return Model(found, words, known, device, step, condition)


class Model:
    """A distribution over states of D sites with K symbols each, and over partial states.

    trial, experiment, seed, config     what it is of; `config` is a dict of dicts
    step                                 of the training, at which the checkpoint was written
    sites, categories, shape             D, K, and the sites' layout: (rows, columns) of a lattice, (D,) of a sequence
    columns                              of a table with real numbers or words of its own in each column: their names
                                         and what they hold; else empty. States are then rows of floats in the columns'
                                         units, words by their number, NaN where a cell is unknown, or data frames
    module                               the network, a torch.jit.ScriptModule on `device`

    log_marginal and conditional_logits run the network in this process, in one pass of each state. The others ask the
    program of the same checkpoint, as `marginalia sample`, `complete`, `marginals` and `score` do, a second or two each
    time for its start; so all numbers are the verbs'. States are in `States` form; answers are of the kind that the
    states were, a numpy array or a torch tensor, which is on the model's device. One thread at a time.
    """

    def __init__(
        self,
        program: str,
        words: Sequence[str],
        known: dict[str, Any],
        device: str = "cpu",
        step: int | None = None,
        condition: Mapping[str, object] | None = None,
    ) -> None:
        try:
            import torch
        except ImportError:
            raise Error("a model needs PyTorch; install it with: pip install torch") from None

        self._program, self._words = program, list(words)
        self.device = torch.device(device)
        self._condition: list[str] = []
        for name, value in (condition or {}).items():
            self._condition += ["--condition", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
        self.trial = int(known["trial"])
        self.experiment = str(known["experiment"])
        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            file = os.path.join(folder, "model.pt")
            which = [] if step is None else ["--step", str(step)]
            export = ["checkpoint", "export", str(self.trial), *which, *self._condition]
            ask(program, [*self._words, *export, "--out", file])
            extra = {"trial.json": "", "marginalia.json": ""}
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*torch.jit.load")  # in maintenance upstream, and works
                self.module: Any = torch.jit.load(file, map_location=self.device, _extra_files=extra)
        if not extra["marginalia.json"]:
            raise Error(f"{program} is older than this package: its exports have no marginalia.json; build it again", 3)
        trial, domain = json.loads(extra["trial.json"]), json.loads(extra["marginalia.json"])
        self.config: dict[str, Any] = trial["config"]
        self.seed = int(trial["seed"])
        self.step = int(trial["step"])
        self.sites, self.categories = int(domain["sites"]), int(domain["categories"])
        self.shape = tuple(int(extent) for extent in domain["shape"]) or (self.sites,)
        self.columns: list[dict[str, Any]] = domain.get("columns", [])
        self._cells = Cells(self.columns, self.categories) if self.columns else None
        self._has = {name for name in ("log_marginal", "conditional_logits") if hasattr(self.module, name)}

    def __repr__(self) -> str:
        return (
            f"<marginalia.Model of trial {self.trial} ({self.experiment}), step {self.step}: "
            f"{'x'.join(map(str, self.shape))} sites of {self.categories} symbols, on {self.device}>"
        )

    def log_marginal(self, x: States, *, batch: int = 1024) -> Array:
        """log p(x_S) of what is known of each state, in nats: (B) float64, () of a single state.

        In one pass of the network; `batch`: rows that it takes at a time. Where the objective adds to what the network
        says (mam-heat-bath, mam-balance), by `marginals`. Raises Error where the objective trains no marginals.
        """
        if "log_marginal" not in self._has:
            return self.marginals(x, batch=batch)
        given = self._given(x)
        values = self._by_batch(self.module.log_marginal, given.rows, batch).double()
        return given.back(values - self._cells.log_units(given.rows).to(values.device) if self._cells else values)

    def conditional_logits(self, x: States, *, batch: int = 1024) -> Array:
        """Logits of p(x_d | x_S) at every site d: (B, D, K) float32, (D, K) of a single state; of use where x_d is
        unknown. Their log-softmax over the last axis is log p(x_d = k | x_S) in nats."""
        if "conditional_logits" not in self._has:
            objective = self.config.get("objective", {}).get("plugin")
            raise Error(
                f"the conditionals of objective '{objective}' are not p(x_d | x_S), so that the model has no "
                f"conditional_logits; the bare network is model.module.network"
            )
        given = self._given(x)
        return given.back(self._by_batch(self.module.conditional_logits, given.rows, batch))

    def log_conditionals(self, x: States, y: States, *, batch: int = 1024) -> Array:
        """Of a table: log p(y_d | x_S) of each cell that y knows, given the cells that x knows, in one pass: (B, D)
        float64, nats in the columns' units, NaN where y does not know it; of use where x does not."""
        given, asked = self._table_rows(x), self._table_rows(y)
        numbers = self._by_batch(self.module.conditional_logits, given.rows, batch)
        return given.back(self._table.log_conditional(numbers, asked.cells))

    def impute(self, x: States, *, batch: int = 1024) -> Array:
        """Of a table: the rows with unknown cells filled in one pass, numbers by their mean given the known cells and
        words by the likeliest: (B, D) float64, of a frame a frame. `complete` draws cells that belong together."""
        import torch

        given = self._table_rows(x)
        expected = self._table.expected(self._by_batch(self.module.conditional_logits, given.rows, batch))
        filled = torch.where(given.cells.isnan(), expected, given.cells)
        return given.back(filled) if given.index is None else self._table.frame(filled.numpy(), given.index)

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        passes: int | None = None,
        precision: Precision = "auto",
        batch: int = 512,
        metropolis: bool = False,
        holding: Mapping[int, int] | None = None,
        exchange: int | None = None,
        as_torch: bool = False,
    ) -> Array:
        """n states drawn by the model: (n, D) int64 as a numpy array, or as a tensor. Of a table a data frame where
        pandas is installed, else floats.

        As `marginalia sample`: the same seed, n, batch and device give the same states. `passes`: draws several sites a
        pass, in so many passes (docs/inference.md, "In few passes"). `metropolis`: states of the energy itself, by
        chains of proposals that the model makes. `holding`: {symbol: number of sites that hold it}. `exchange`: with
        it, sweeps in which sites exchange symbols, after each proposal.
        """
        words = [*self._drawing(seed, passes, precision, batch), "--count", str(n)]
        words += ["--metropolis"] if metropolis else []
        words += ["--holding", ",".join(f"{symbol}={sites}" for symbol, sites in holding.items())] if holding else []
        words += ["--exchange", str(exchange)] if exchange is not None else []
        drawn = self._array("sample", words, "states.npy")
        if self._cells and have_pandas() and not as_torch:
            return self._cells.frame(drawn)
        return self._tensor(drawn) if as_torch else drawn

    def complete(
        self,
        x: States | Texts,
        n: int = 4,
        *,
        seed: int = 0,
        passes: int | None = None,
        precision: Precision = "auto",
        batch: int = 512,
    ) -> Array:
        """n completions of each partial state: (B, n, D) int64, (n, D) of a single state. What is known stays. Of a
        data frame, and of texts of a table's rows where pandas is installed, a frame with an index of row and draw."""
        words = [*self._drawing(seed, passes, precision, batch), "--count", str(n)]
        given = x if is_text(x) else self._given(x)
        drawn = self._about("complete", "--given", given, words).reshape(-1, n, self.sites)
        return completed(drawn, given, self._cells)

    def draw(
        self,
        n: int,
        given: States | Texts | None = None,
        *,
        seed: int = 0,
        passes: int | None = None,
        precision: Precision = "auto",
        batch: int = 512,
    ) -> Table:
        """The same states as `sample`, or as `complete` of `given`, with all that is known of them; a row a state:

        text      as the energy or dataset prints it
        states    its symbols, a list
        log_p     nats: its log-density along the order in which it was drawn; of a completion log p(unknown | known)
        given     text of the partial state, for completions
        identity  where a state stands for more than its text: canonical SMILES of a molecule
        """
        words = [*self._drawing(seed, passes, precision, batch), "--count", str(n), "--format", "json"]
        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            if given is None:
                told = self._ask("sample", words)
            else:
                told = self._ask("complete", [*words, "--given", self._file_of(given, folder)])
        rows = [json.loads(line) for line in told.splitlines()]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        return table(columns, [[row.get(key) for key in columns] for row in rows], have_pandas())

    def marginals(self, x: States | Texts, *, batch: int = 512) -> Array:
        """log p(x_S) as `marginalia marginals` gives it: (B) float64 nats. `log_marginal` gives the same numbers."""
        given = x if is_text(x) else self._given(x)
        values = self._about("marginals", "--states", given, ["--batch", str(batch), "--device", self._device()])
        return self._as_given(values, given)

    def figures(
        self,
        regions: Mapping[str, Sites] | None = None,
        *,
        between: Iterable[Sequence[str]] = (),
        pairs: Iterable[Sequence[int]] = (),
        correlations: bool = False,
        free_energy: bool = False,
        given: States | Texts | None = None,
        exact: bool = False,
        n: int = 1024,
        seed: int = 0,
        passes: int | None = None,
        precision: Precision = "auto",
        batch: int = 512,
    ) -> Table:
        """Entropies, mutual informations, correlations and free energies as `marginalia marginals` gives them; a row a
        figure, its columns those of the verb's CSV (docs/inference.md, "Regions and pairs"), NaN for what is not known.

        regions       entropies of these, by name: {"A": "rows 0-3", "B": [4, 5], "C": mask}
        between       pairs of names, or of one and "rest", whose mutual information is wanted
        pairs         of sites, whose correlation is wanted; `correlations`: at each distance
        free_energy   of what is given: one state, of which all other figures are conditional on the known sites
        exact         beside each figure that of the energy itself, where it knows it
        """
        words = figure_words(
            regions or {}, between, pairs, correlations=correlations, free_energy=free_energy, exact=exact
        )
        words += [*self._drawing(seed, passes, precision, batch), "--count", str(n), "--format", "json"]
        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            state = [] if given is None else ["--given", self._file_of(given, folder)]
            return figure_table(self._ask("marginals", [*words, *state]))

    def score(
        self,
        x: States | Texts,
        *,
        seed: int = 0,
        passes: int | None = None,
        precision: Precision = "auto",
        batch: int = 512,
    ) -> dict[str, Array]:
        """As `marginalia score`, to nine digits: {"log_marginal": (B), "log_density": (B)}, float64 nats.

        log_density is log p of what is known by a chain of conditionals, one site after another in a random order that
        `seed` draws. log_marginal is left out where the objective does not train it.
        """
        import numpy

        words = self._drawing(seed, passes, precision, batch)
        given = x if is_text(x) else self._given(x)
        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            rows = list(csv.DictReader(self._ask("score", [*words, "--states", written(given, folder)]).splitlines()))
        names = [name for name in rows[0] if name != "row"]
        return {name: self._as_given(numpy.array([float(row[name]) for row in rows]), given) for name in names}

    # States on their way in, answers on their way out.

    def _given(self, x: States) -> Given:
        return Given(x, self.shape, self.categories, self._cells, self.device)

    @property
    def _table(self) -> Cells:
        if self._cells is None:
            raise Error("this model's states are not rows of a table; use conditional_logits")
        return self._cells

    def _table_rows(self, x: States) -> Given:
        return Given(x, self.shape, self.categories, self._table, self.device)

    def _by_batch(self, method: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor, batch: int) -> torch.Tensor:
        import torch

        rows = rows.to(self.device)
        with torch.no_grad():
            if len(rows) <= batch:
                return method(rows)
            return torch.cat([method(piece) for piece in rows.split(batch)])

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        import torch

        return torch.from_numpy(values).to(self.device)

    def _as_given(self, values: NDArray[Any], given: Texts | Given) -> Array:
        import torch

        if isinstance(given, Given):
            return given.back(torch.from_numpy(values))
        return values[0] if isinstance(given, str) else values

    def _file_of(self, x: States | Texts, folder: str) -> str:
        return written(x if is_text(x) else self._given(x), folder)

    # The program's verbs, asked of this trial's checkpoint.

    def _device(self) -> str:
        return "cuda:0" if str(self.device) == "cuda" else str(self.device)

    def _drawing(self, seed: int, passes: int | None, precision: str, batch: int) -> list[str]:
        words = ["--seed", str(seed), "--precision", precision, "--batch", str(batch), "--device", self._device()]
        return words if passes is None else [*words, "--passes", str(passes)]

    def _ask(self, verb: str, words: Sequence[str]) -> str:
        which = [str(self.trial), "--step", str(self.step), *self._condition]
        return ask(self._program, [*self._words, verb, *which, *words])

    def _array(self, verb: str, words: Sequence[str], name: str) -> NDArray[Any]:
        import numpy

        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            file = os.path.join(folder, name)
            self._ask(verb, [*words, "--out", file])
            values: NDArray[Any] = numpy.load(file, allow_pickle=False)
            # Symbols as bytes would take -1 for 255.
            return values.astype(numpy.int64) if values.dtype == numpy.uint8 else values

    def _about(self, verb: str, option: str, x: Texts | Given, words: Sequence[str]) -> NDArray[Any]:
        """The array that a verb writes about states."""
        with tempfile.TemporaryDirectory(prefix="marginalia-") as folder:
            return self._array(verb, [option, written(x, folder), *words], "answer.npy")
