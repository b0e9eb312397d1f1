"""What is known of metrics by name: unit, and whether the highest is best. The program's own table is
kernel/spec/metrics.cpp, with which a test compares this one; docs/metrics.md has the definitions."""

from __future__ import annotations

from collections.abc import Iterable

# The most telling first, which is the order of columns.
_nats = """kl kl_bound forward_kl free_energy theta_gap_mean theta_gap_std marginal_rmse log_z_estimate kl_stderr
forward_kl_stderr elbo eubo log_z_importance log_z_importance_stderr marginal_bias log_z_exact log_z_ais
log_z_ais_stderr log_z_ais_lower energy_distance energy_distance_floor marginal_rmse_by_size marginal_bias_by_size
ranking_log_p_stderr nll nll_scaled validation_nll_scaled log_z_importance_error kl_enumerated
forward_kl_enumerated marginal_gap""".split()
_seconds = "marginal_seconds step_seconds train_seconds conditional_seconds conditional5_seconds".split()
_bits = "nll_bits nll_bits_ensemble validation_bits entropy_bits_exact".split()
_units = (
    dict.fromkeys(_nats, "nats")
    | dict.fromkeys(_seconds, "s")
    | dict.fromkeys(_bits, "bits/site")
    | dict.fromkeys(["kl_per_site", "free_energy_per_site", "log_z_importance_per_site"], "nats/site")
    | dict.fromkeys(["marginal_states", "reference_ess", "evaluation_samples", "evaluation_rows"], "states")
    | dict.fromkeys(["sinkhorn", "sinkhorn_floor"], "units²")
    | dict.fromkeys(["ranking_passes", "marginal_passes"], "passes")
    | {"ranking_groups": "groups", "log_z_ais_effective": "chains"}
)
_highest = set(
    """ess elbo spearman pearson ranking_spearman ranking_pearson ranking_one_order_spearman ranking_one_order_pearson
    valid unique novel diversity log_z_ais_effective reference_ess""".split()
)
_first = """kl kl_bound forward_kl ess free_energy nll_bits nll_bits_ensemble validation_bits nll_scaled
validation_nll_scaled theta_gap_mean theta_gap_std marginal_rmse spearman pearson sinkhorn ranking_spearman
ranking_pearson marginal_seconds step_seconds loss log_z_estimate""".split()
_endings = ("_stderr", "_bound", "_estimate")


def _base(name: str) -> str:
    """The metric that a bound, an estimate or a standard error is of: kl of "kl@coupling=0.3_stderr"."""
    name = name.partition("@")[0]
    for ending in _endings:
        name = name.removesuffix(ending)
    return name


def unit_of(name: str) -> str:
    """ "nats", "s", ...; "" for figures without a unit, and for those of an energy's or dataset's own unit."""
    if name in _units or not name.startswith("observable"):
        known = _units.get(name) or _units.get(_base(name))
        if known:
            return known
        if name.endswith("_seconds"):
            return "s"
        if name.endswith("_bits_exact"):
            return "bits/site"
        if name.endswith("_bits"):
            return "bits"
        if name.endswith("_bytes"):
            return "bytes"
    return ""


def highest_is_best(name: str) -> bool:
    return not name.endswith("_stderr") and (name in _highest or _base(name) in _highest)


def title_of(name: str) -> str:
    """ "kl [nats]", for an axis."""
    unit = unit_of(name)
    return f"{name} [{unit}]" if unit else name


def known_metrics() -> set[str]:
    return {*_units, *_highest, *_first}


def main_metrics() -> set[str]:
    """Those that the program puts into summaries and tables."""
    return {*_first} - {"loss", "log_z_estimate"}


def by_importance(names: Iterable[str]) -> list[str]:
    """The most telling first, then by name; a standard error behind what it is of."""

    def key(name: str) -> tuple[int, str, int]:
        base = name.removesuffix("_stderr")
        return (_first.index(base) if base in _first else len(_first), base, int(name != base))

    return sorted(names, key=key)
