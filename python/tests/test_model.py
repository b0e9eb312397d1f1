"""Trained models: every number is the verb's, and a call costs what the bare module costs."""

from __future__ import annotations

import csv
import itertools
import math
import subprocess
import time

import pytest

import marginalia
from conftest import LATTICE, need_torch, run_in

numpy = pytest.importorskip("numpy")
SITES, K = 12, 2


@pytest.fixture(scope="module")
def model(trained):
    need_torch()
    return marginalia.load("best:kl", trained / "marginalia.db")


@pytest.fixture(scope="module")
def partial():
    """64 states of which 0 to 12 sites are known."""
    draw = numpy.random.default_rng(0)
    x = draw.integers(0, K, [64, SITES])
    x[draw.random([64, SITES]) >= numpy.linspace(0, 1, 64)[:, None]] = K
    x[0], x[-1] = K, x[-1] % K
    return x


def verb(program, trained, folder, *words, states=None):
    """What the program itself prints, as rows of its CSV."""
    if states is not None:
        numpy.save(folder / "x.npy", states.astype(numpy.uint8))
        words = [*words, "--states", folder / "x.npy"]
    command = [program, "--store", trained / "marginalia.db", *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return list(csv.DictReader(done.stdout.splitlines()))


def records(rows):
    return rows.to_dict("records") if hasattr(rows, "to_dict") else rows


def test_what_it_is(model):
    assert (model.experiment, model.step, model.sites, model.categories) == ("lattice", 30, SITES, K)
    assert model.shape == (4, 3) and model.seed in (0, 1) and model.config["train"]["steps"] == 30
    assert repr(model).endswith("step 30: 4x3 sites of 2 symbols, on cpu>")


def test_log_marginal_is_that_of_marginals_and_score(model, program, trained, tmp_path, partial):
    ours = model.log_marginal(partial)
    assert ours.dtype == numpy.float64 and ours.shape == (64,) and ours.std() > 1
    theirs = verb(program, trained, tmp_path, "marginals", "best:kl", states=partial)
    numpy.testing.assert_allclose(ours, [float(row["log_marginal"]) for row in theirs], rtol=1e-6, atol=1e-6)
    numpy.testing.assert_allclose(ours, model.marginals(partial), rtol=1e-6, atol=1e-6)
    rows = verb(program, trained, tmp_path, "score", "best:kl", states=partial)
    score = model.score(partial)
    for name in ("log_marginal", "log_density"):
        numpy.testing.assert_array_equal(score[name], [float(row[name]) for row in rows])
    numpy.testing.assert_allclose(ours, score["log_marginal"], rtol=1e-6, atol=1e-6)


def log_softmax(logits):
    logits = numpy.asarray(logits, numpy.float64)
    return logits - numpy.log(numpy.exp(logits).sum(-1, keepdims=True))


def test_conditional_logits_are_what_score_goes_along(model):
    """log_density of one known site is its conditional given nothing; of two known sites, the chain in either order."""
    blank = numpy.full(SITES, -1)
    first = log_softmax(model.conditional_logits(blank))
    assert first.shape == (SITES, K)
    states, chains = [], []
    for a, b in itertools.islice(itertools.combinations(range(SITES), 2), 0, 66, 7):
        for values in ((0, 1), (1, 1)):
            both = []
            for (d, k), (e, m) in itertools.permutations(zip((a, b), values)):
                given = blank.copy()
                given[d] = k
                both.append(first[d, k] + log_softmax(model.conditional_logits(given))[e, m])
            state = blank.copy()
            state[[a, b]] = values
            states.append(state)
            chains.append(both)
    singles = numpy.where(numpy.eye(SITES), 1, -1)
    numpy.testing.assert_allclose(model.score(singles)["log_density"], first[:, 1], rtol=1e-5, atol=1e-6)
    density = model.score(numpy.array(states))["log_density"]
    assert numpy.abs(numpy.array(chains) - density[:, None]).min(1).max() < 1e-5


def test_log_p_of_all_states_sums_to_one_along_an_order(model):
    """The chain rule by conditional_logits in site order, over all 4,096 states."""
    x = numpy.array(list(itertools.product(range(K), repeat=SITES)))
    log_p = numpy.zeros(len(x))
    for d in range(SITES):
        given = numpy.where(numpy.arange(SITES) < d, x, K)
        log_p += log_softmax(model.conditional_logits(given))[numpy.arange(len(x)), d, x[:, d]]
    assert abs(numpy.exp(log_p).sum() - 1) < 1e-5


def test_sample_is_the_verbs(model, program, trained, tmp_path):
    x = model.sample(40, seed=3)
    assert x.shape == (40, SITES) and x.dtype == numpy.int64 and x.max() < K
    words = ["sample", model.trial, "-n", "40", "--seed", "3", "-o", tmp_path / "s.npy"]
    verb(program, trained, tmp_path, *words)
    numpy.testing.assert_array_equal(x, numpy.load(tmp_path / "s.npy"))
    assert (model.sample(40, seed=4) != x).any()
    rows = records(model.draw(40, seed=3))
    numpy.testing.assert_array_equal(x, [row["states"] for row in rows])
    assert all(row["log_p"] < 0 for row in rows) and len(rows[0]["text"].replace("/", "").strip()) == SITES


def test_states_of_a_given_magnetisation(model):
    x = model.sample(20, holding={1: 2})
    assert x.shape == (20, SITES) and (x.sum(1) == 2).all()
    y = model.sample(20, metropolis=True, holding={1: 2})
    assert (y.sum(1) == 2).all() and (x != y).any()
    z = model.sample(20, metropolis=True, holding={1: 2}, exchange=10)
    assert (z.sum(1) == 2).all() and (z != y).any()


def test_samples_are_of_the_model(model):
    """The mean of each spin over 4,000 draws, against its exact marginal: within 5 standard errors."""
    n = 4000
    expected = numpy.exp(log_softmax(model.conditional_logits(numpy.full(SITES, -1))))[:, 1]
    error = numpy.sqrt(expected * (1 - expected) / n)
    # The first site of a random order is drawn from this exactly; later ones where the conditionals are consistent.
    seen = model.sample(n).mean(0)
    assert (abs(seen - expected) < 5 * error + 0.05).all(), (seen, expected)


def test_complete_keeps_what_is_known(model, partial):
    completed = model.complete(partial[:6], n=3, seed=1)
    assert completed.shape == (6, 3, SITES) and completed.max() < K
    known = partial[:6, None] != K
    assert (completed == partial[:6, None])[numpy.broadcast_to(known, completed.shape)].all()
    assert model.complete(partial[40], n=2).shape == (2, SITES)
    text = model.complete("++_/___/___/__-", n=5)
    assert text.shape == (5, SITES) and (text[:, :2] == text[0, 0]).all() and (text[:, -1] != text[0, 0]).all()
    rows = model.draw(2, given=["++_/___/___/__-", "___/___/___/___"])
    assert len(rows) == 4


def test_figures_are_the_verbs(model, program, trained, tmp_path):
    mask = numpy.zeros((4, 3), bool)
    mask[2:, :2] = True
    regions = {"A": "rows 0", "B": [3, 4], "C": mask}
    rows = records(model.figures(regions, between=[("A", "B"), ("C", "rest")], pairs=[(0, 11)], seed=2, n=100))
    words = ["--region", "A=rows 0", "--region", "B=3,4", "--region", "C=6,7,9,10", "--between", "A", "B"]
    words += ["--between", "C", "rest", "--pair", "0,11", "-n", "100", "--seed", "2", "--format", "csv"]
    theirs = verb(program, trained, tmp_path, "marginals", model.trial, *words)
    assert " ".join(row["of"] for row in rows) == "A B C A+B A:B rest of C C+rest of C C:rest of C 0,11"
    for ours, row in zip(rows, theirs, strict=True):
        assert list(ours) == list(row)
        for name, value in row.items():
            if isinstance(ours[name], float) and math.isnan(ours[name]):
                assert value == ""
            else:
                assert type(ours[name])(value) == ours[name]
    # The same by hand: the eight states of three sites.
    x = numpy.full((8, SITES), -1)
    x[:, :3] = list(itertools.product(range(K), repeat=3))
    p = numpy.exp(model.log_marginal(x))
    assert rows[0]["normalisation_error"] == pytest.approx(p.sum() - 1, rel=1e-4, abs=1e-6)
    p /= p.sum()
    assert rows[0]["value"] == pytest.approx(-(p * numpy.log(p)).sum(), rel=1e-5)


def test_figures_given_a_state(model):
    given = numpy.where(numpy.arange(SITES) < 2, 1, -1)
    first = records(model.figures(correlations=True, given=given, exact=True))
    second = records(model.figures(correlations=True, given="++_/___/___/___", exact=True))
    assert [row["value"] for row in first] == [row["value"] for row in second]
    assert all(row["by"] == "pairs" and abs(row["exact"]) < 1 for row in first)
    energy = records(model.figures(free_energy=True, given=given, exact=True, n=500))
    assert abs(energy[0]["value"] - energy[0]["exact"]) < 5 * energy[0]["stderr"] + 1e-3
    with pytest.raises(marginalia.Error, match=r"region 'A': there is no site 12; there are sites 0 to 11"):
        model.figures({"A": [12]})
    with pytest.raises(TypeError, match="a region's sites are text, whole numbers or a boolean array"):
        model.figures({"A": [0.5]})


def test_kinds_of_arrays(model, partial):
    torch = need_torch()
    expected = model.log_marginal(partial)
    for x in (torch.tensor(partial), torch.tensor(partial, dtype=torch.uint8), torch.tensor(partial).view(-1, 4, 3)):
        got = model.log_marginal(x)
        assert isinstance(got, torch.Tensor) and got.dtype == torch.float64 and not got.requires_grad
        numpy.testing.assert_array_equal(got.numpy(), expected)
    for x in (partial.tolist(), numpy.where(partial == K, -1, partial), partial.astype(numpy.uint8)):
        numpy.testing.assert_array_equal(model.log_marginal(x), expected)
    # Batches and single states: rounding of products of other sizes.
    numpy.testing.assert_allclose(model.log_marginal(partial, batch=7), expected, rtol=1e-6, atol=1e-6)
    one = model.log_marginal(partial[5].reshape(4, 3))
    assert one.shape == () and math.isclose(one, expected[5], rel_tol=1e-5, abs_tol=1e-6)
    assert isinstance(model.marginals(torch.tensor(partial[5])), torch.Tensor)
    assert isinstance(model.sample(2, as_torch=True), torch.Tensor)
    assert model.complete(torch.tensor(partial[:2]), n=3).shape == (2, 3, SITES)
    assert set(model.score(torch.tensor(partial[:2]))) == {"log_marginal", "log_density"}


def test_states_that_do_not_fit_are_refused(model):
    for x, error, words in (
        (numpy.full([2, SITES], 3), ValueError, "3 is not a symbol: these are 0 to 1, and unknown -1 or 2"),
        (numpy.full([2, SITES], -2), ValueError, "-2 is not a symbol"),
        (numpy.zeros([2, 5], int), ValueError, r"a state of shape \(2, 5\) does not have this model's 12 sites"),
        (numpy.zeros([2, SITES]), TypeError, "states are whole numbers, and these are torch.float64"),
    ):
        with pytest.raises(error, match=words):
            model.log_marginal(x)
    with pytest.raises(marginalia.Error, match=r"states.txt:1: "):
        model.complete("no state at all")


def test_refusals_are_the_programs(trained, model):
    for name, code, words in (
        (77, 5, "there is no trial '77'"),
        ("best:kll", 5, "no trial that is done has a finite 'kll'"),
    ):
        with pytest.raises(marginalia.Error, match=words) as refused:
            marginalia.load(name, trained / "marginalia.db")
        assert refused.value.exit_code == code
    with pytest.raises(marginalia.Error, match="trial 1 has no checkpoint of step 7") as refused:
        marginalia.load(1, trained / "marginalia.db", step=7)
    assert refused.value.exit_code == 5
    with pytest.raises(marginalia.Error, match="there is no store") as refused:
        marginalia.load(1, trained / "none.db")
    assert refused.value.exit_code == 4


def test_names_are_those_of_the_program(trained, program):
    need_torch()
    with marginalia.open(trained / "marginalia.db") as store:
        best = store.best("kl")
        assert marginalia.load("best:kl", store).trial == best["trial_id"]
        assert marginalia.load(f"{best['config_hash'][:6]}:{best['seed']}", store).trial == best["trial_id"]


@pytest.fixture(scope="module")
def others(program, tmp_path_factory):
    """Objectives that read the network otherwise: one trial each."""
    need_torch()
    folder = tmp_path_factory.mktemp("others")
    file = folder / "others.db"
    sampled = {**LATTICE, "name": "others", "seeds": [0], "sampler": {"plugin": "single-site-gibbs"}}
    run_in(folder, sampled, {"objective.plugin": ["mam-heat-bath", "ao-arm"]}, file)
    alone = {**LATTICE, "name": "arm", "seeds": [0], "objective": {"plugin": "arm"}, "sampler": {"plugin": "ancestral"}}
    alone["sampler"]["order"] = "forward"
    run_in(folder, alone, {}, file)
    with marginalia.open(file, pandas=False) as store:
        trials = {trial["config"]["objective"]["plugin"]: trial["trial_id"] for trial in store.trials()}
    return {name: marginalia.load(trial, file) for name, trial in trials.items()}


def test_marginals_that_are_not_the_networks_alone(others, partial):
    """mam-heat-bath adds the energy's part and log Z, which the exported file has not: the program is asked."""
    model = others["mam-heat-bath"]
    assert not hasattr(model.module, "log_marginal")
    numpy.testing.assert_array_equal(model.log_marginal(partial), model.marginals(partial))
    numpy.testing.assert_allclose(model.log_marginal(partial), model.score(partial)["log_marginal"], rtol=1e-7)
    assert model.log_marginal(partial[5]).shape == ()


def test_what_is_not_trained_is_refused(others, partial):
    with pytest.raises(marginalia.Error, match="objective 'ao-arm' does not train log p of partial states"):
        others["ao-arm"].log_marginal(partial)
    assert list(others["ao-arm"].score(partial)) == ["log_density"]
    assert others["ao-arm"].conditional_logits(partial).shape == (64, SITES, K)
    with pytest.raises(marginalia.Error, match=r"the conditionals of objective 'arm' are not p\(x_d \| x_S\)"):
        others["arm"].conditional_logits(partial)


def least_times(bare, ours, ratio, rounds, seconds):
    """The least time of each, called in turn so many rounds, and more while the ratio is not kept and there is time:
    others use this machine too."""
    times, until, n = [math.inf, math.inf], time.monotonic() + seconds, 0
    while n < rounds or (times[1] > ratio * times[0] and time.monotonic() < until):
        n += 1
        for i, call in enumerate((bare, ours)):
            start = time.perf_counter()
            call()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def test_a_call_costs_what_the_bare_module_costs(model):
    """1,000 states of which about half the sites are known."""
    torch = need_torch()
    torch.set_num_threads(1)
    x = numpy.random.default_rng(1).integers(0, K + 1, [1000, SITES])
    states = torch.tensor(x)

    def bare():
        with torch.no_grad():
            return model.module.log_marginal(states)

    for _ in range(5):
        bare()
        model.log_marginal(x)
    theirs, ours = least_times(bare, lambda: model.log_marginal(x), 1.1, 30, 10)
    print(f"log_marginal of 1,000 states: {1e3 * ours:.3f} ms, bare module {1e3 * theirs:.3f} ms, {ours / theirs:.3f}")
    assert ours <= 1.1 * theirs


def test_loading_costs_what_the_export_costs(trained, program, tmp_path):
    """Loading a model and log_marginal of 1,000 states, beside `checkpoint export`, torch.jit.load and a bare call."""
    torch = need_torch()
    store, x = trained / "marginalia.db", numpy.zeros([1000, SITES], int)

    def bare():
        words = [program, "--store", store, "checkpoint", "export", "1", "--out", tmp_path / "m.pt"]
        subprocess.run(words, check=True, capture_output=True)
        with torch.no_grad():
            torch.jit.load(str(tmp_path / "m.pt")).log_marginal(torch.tensor(x))

    theirs, ours = least_times(bare, lambda: marginalia.load(1, store).log_marginal(x), 1.1, 2, 30)
    print(f"load and log_marginal of 1,000 states: {ours:.3f} s, by hand {theirs:.3f} s, {ours / theirs:.3f}")
    assert ours <= 1.1 * theirs


@pytest.fixture(scope="module")
def family(program, tmp_path_factory):
    """The file of a store with one model of two couplings, whose marginals are the network's own."""
    need_torch()
    folder = tmp_path_factory.mktemp("family")
    experiment = {
        **LATTICE,
        "name": "family",
        "seeds": [0],
        "network": {"plugin": "lattice-conv", "channels": 8, "layers": 2, "couplings": True},
        "sampler": {"plugin": "single-site-gibbs"},
        "objective": {"plugin": "mam-heat-bath", "forward_looking": False},
    }
    experiment["train"] = {**LATTICE["train"], "family": "coupling = 0.1, 0.6"}
    run_in(folder, experiment, {}, folder / "family.db")
    return folder / "family.db"


def test_a_model_is_of_the_energy_that_is_named(family, partial):
    first = marginalia.load(1, family)
    named = {value: marginalia.load(1, family, condition={"coupling": value}) for value in (0.1, 0.35, 0.6)}
    numpy.testing.assert_array_equal(first.log_marginal(partial), named[0.1].log_marginal(partial))
    # Of the exported file, and of the program.
    for model in named.values():
        numpy.testing.assert_allclose(model.log_marginal(partial), model.marginals(partial), rtol=1e-5, atol=1e-5)
    agreement = [abs(2.0 * named[value].sample(400).mean(1) - 1).mean() for value in (0.1, 0.6)]
    assert agreement[1] > agreement[0]
    with pytest.raises(marginalia.Error, match=r"\[energy\] has no parameter 'couplng'"):
        marginalia.load(1, family, condition={"couplng": 0.1})
