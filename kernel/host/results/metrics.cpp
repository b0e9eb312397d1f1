#include "kernel/host/results/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace marginalia {
namespace {

struct Known {
    std::string_view name, unit;
    Goal goal;
    std::string_view about;
};

constexpr std::array known = {
    Known{"kl", "nats", Goal::low, "true KL divergence of the model from the target, log Z known"},
    Known{"kl_stderr", "nats", Goal::none, "standard error of kl from the number of model samples"},
    Known{"kl_bound", "nats", Goal::low,
          "upper bound of kl, as log p is only bounded from above over the model's own states"},
    Known{"kl_per_site", "nats/site", Goal::low, "kl divided by the number of sites"},
    Known{"forward_kl", "nats", Goal::low,
          "KL divergence of the target from the model, over reference states, which with [reference] are of chains"},
    Known{"forward_kl_stderr", "nats", Goal::none, "standard error of forward_kl from the number of reference states"},
    Known{"free_energy", "nats", Goal::low, "E[log p - log f] over model samples"},
    Known{"free_energy_per_site", "nats/site", Goal::low, "free_energy divided by the number of sites"},
    Known{"impossible", "", Goal::low, "fraction of model samples with log f = -infinity"},
    Known{"nll_bits", "bits/site", Goal::low, "negative log-likelihood of reference samples"},
    Known{"nll_bits_ensemble", "bits/site", Goal::low, "the same for the mean of p over several orders"},
    Known{"validation_bits", "bits/site", Goal::low, "negative log-likelihood of rows of the validation split"},
    Known{"ranking_spearman", "", Goal::high,
          "rank correlation of log p by the marginal head with the ensemble's, mean over groups of rows"},
    Known{"ranking_pearson", "", Goal::high,
          "linear correlation of log p by the marginal head with the ensemble's, mean over groups of rows"},
    Known{"ranking_one_order_spearman", "", Goal::high,
          "ranking_spearman of the conditionals along one order in the marginal head's place"},
    Known{"ranking_one_order_pearson", "", Goal::high,
          "ranking_pearson of the conditionals along one order in the marginal head's place"},
    Known{"ranking_groups", "groups", Goal::none,
          "groups of rows that ranking_spearman and ranking_pearson are means over"},
    Known{"valid", "", Goal::high, "fraction of model samples that stand for something"},
    Known{"unique", "", Goal::high, "fraction of valid model samples that stand for different things"},
    Known{"novel", "", Goal::high, "fraction of valid model samples that stand for nothing in the training split"},
    Known{"diversity", "", Goal::high, "mean distance between valid model samples, such as 1 - Tanimoto similarity"},
    Known{"log_z_importance", "nats", Goal::none, "log Z of the target by importance weights of model samples"},
    Known{"log_z_importance_stderr", "nats", Goal::none, "its standard error by the delta method"},
    Known{"ess", "", Goal::high, "effective share of the model samples under importance weights, (Σ w)² / (n Σ w²)"},
    Known{"theta_gap_mean", "nats", Goal::zero, "mean of log p(x) by the marginal head less that by the conditionals"},
    Known{"theta_gap_std", "nats", Goal::low, "its standard deviation"},
    Known{"marginal_rmse", "nats", Goal::low, "root mean square error of log-marginals, over all subset sizes"},
    Known{"marginal_bias", "nats", Goal::zero, "mean error of log-marginals"},
    Known{"spearman", "", Goal::high, "rank correlation of model and reference log-marginals"},
    Known{"pearson", "", Goal::high, "linear correlation of model and reference log-marginals"},
    Known{"marginal_seconds", "s", Goal::low, "16 marginals in one pass"},
    Known{"step_seconds", "s", Goal::low, "one training step"},
    Known{"train_seconds", "s", Goal::low,
          "wall-clock seconds of training, of all processes of a resumed trial together, evaluation left out"},
    Known{"clipped", "", Goal::none, "share of the training steps whose gradient was clipped"},
    Known{"loss", "", Goal::low, "training loss"},
    Known{"log_z", "nats", Goal::none, "the model's estimate of log Z"},
    Known{"log_z_estimate", "nats", Goal::none, "the running estimate of log Z"},
    Known{"conditional_seconds", "s", Goal::low, "16 marginals as sums of conditionals along one order"},
    Known{"conditional5_seconds", "s", Goal::low, "16 marginals as sums of conditionals along five orders"},
    Known{"learning_rate", "", Goal::none, "the optimiser's step size"},
    Known{"penalty", "", Goal::low, "self-consistency penalty"},
    Known{"log_z_exact", "nats", Goal::none, "exact log Z of the target"},
    Known{"entropy_exact", "nats", Goal::none, "exact entropy of the target"},
    Known{"entropy_bits_exact", "bits/site", Goal::none, "exact entropy of the target: the floor of nll_bits"},
    Known{"log_z_ais", "nats", Goal::none, "log Z of the target by annealed importance sampling"},
    Known{"log_z_ais_stderr", "nats", Goal::none, "standard error of log_z_ais from the number of chains"},
    Known{"log_z_ais_lower", "nats", Goal::none, "mean log weight of its chains: a lower bound of log Z in the mean"},
    Known{"log_z_ais_effective", "chains", Goal::high, "effective number of its chains"},
    Known{"reference_rhat", "", Goal::low,
          "scale reduction between the chains of reference states: near 1 where they mixed"},
    Known{"reference_ess", "states", Goal::high, "effective number of independent reference states"},
    Known{"energy_distance", "nats", Goal::low,
          "Wasserstein-1 distance of the histograms of log f, model from reference states"},
    Known{"energy_distance_floor", "nats", Goal::none,
          "energy_distance between two halves of the reference states: what two sets of true states differ by"},
    Known{"pair_correlation_rmse_floor", "", Goal::none,
          "pair_correlation_rmse between two halves of the reference states: what two sets of true states differ by"},
    Known{"pair_correlation_rmse", "", Goal::low,
          "root mean square error of the pair correlations, over all distances"},
    Known{"pair_correlation", "", Goal::none, "pair correlation of model states by distance in sites"},
    Known{"pair_correlation_reference", "", Goal::none, "pair correlation of reference states by distance in sites"},
    Known{"marginal_rmse_by_size", "nats", Goal::low, "root mean square error of log-marginals of one subset size"},
    Known{"marginal_bias_by_size", "nats", Goal::none, "mean error of log-marginals of one subset size"},
};

bool ends_with(std::string_view name, std::string_view ending) { return name.ends_with(ending); }

const Known* find_known(std::string_view name) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const Known& metric) { return metric.name == name; });
    return found == known.end() ? nullptr : &*found;
}

bool remove_ending(std::string_view& name, std::string_view ending) {
    if (!name.ends_with(ending)) return false;
    name.remove_suffix(ending.size());
    return true;
}

// "nll_bits_bound", "kl_estimate_stderr", "kl_bound_stderr": a known metric by way of a bound or an estimate, and
// standard errors.
std::optional<MetricInfo> derived_info(std::string_view name) {
    const bool error = remove_ending(name, "_stderr");
    const bool bound = remove_ending(name, "_bound"), estimate = !bound && remove_ending(name, "_estimate");
    const Known* base = find_known(name);
    if (!base || !(error || bound || estimate)) return std::nullopt;
    const Known* known_error = error ? find_known(std::string(name) + "_stderr") : nullptr;
    std::string about = known_error ? std::string(known_error->about)
                        : error     ? "standard error of " + std::string(name)
                                    : std::string(base->about);
    if (bound) about += "; a bound on the worse side, as log p of a state is only bounded";
    if (estimate) about += "; log p or log Z is itself estimated";
    return MetricInfo{std::string(base->unit), error ? Goal::none : base->goal, about};
}

// "observable.magnetisation", "observable.magnetisation_reference", and either with _stderr.
MetricInfo observable_info(std::string_view name) {
    const bool error = ends_with(name, "_stderr");
    if (error) name.remove_suffix(7);
    if (ends_with(name, "_deviation")) return {"", Goal::none, "standard deviation of an observable over model states"};
    const bool reference = ends_with(name, "_reference");
    const std::string about = reference ? "mean over reference states of an observable, in the energy's own unit"
                                        : "mean over model states of an observable, in the energy's own unit";
    return {"", Goal::none, error ? "standard error of the " + about : about};
}

// "ngram_distance_2", "observable_distance.rings", and either with _floor.
MetricInfo distance_info(std::string_view name) {
    const std::string of =
        name.starts_with("ngram") ? "total variation distance of n-grams" : "Wasserstein-1 distance of an observable";
    if (name.ends_with("_floor")) return {"", Goal::none, of + " between training and test rows"};
    if (name.ends_with("_target")) return {"", Goal::low, of + " between model states and what is aimed at"};
    return {"", Goal::low, of + " between model samples and test rows"};
}

}  // namespace

MetricInfo metric_info(std::string_view name) {
    if (const Known* metric = find_known(name))
        return {std::string(metric->unit), metric->goal, std::string(metric->about)};
    if (name.starts_with("observable.")) return observable_info(name);
    if (name.starts_with("ngram_distance_") || name.starts_with("observable_distance.")) return distance_info(name);
    if (const std::optional<MetricInfo> info = derived_info(name)) return *info;
    if (is_reference(name)) return {ends_with(name, "_bits_exact") ? "bits/site" : "", Goal::none, ""};
    if (ends_with(name, "_seconds")) return {"s", Goal::low, ""};
    if (ends_with(name, "_bits")) return {"bits", Goal::low, ""};
    if (ends_with(name, "_bytes")) return {"bytes", Goal::low, ""};
    return {};
}

double badness(double value, Goal goal) {
    switch (goal) {
        case Goal::high: return -value;
        case Goal::zero: return std::abs(value);
        default: return value;
    }
}

std::string metric_title(std::string_view name) {
    const std::string unit = metric_info(name).unit;
    return unit.empty() ? std::string(name) : std::string(name) + " [" + unit + "]";
}

const std::vector<std::string>& main_metrics() {
    static const std::vector<std::string> names = {"kl",
                                                   "kl_bound",
                                                   "forward_kl",
                                                   "ess",
                                                   "free_energy",
                                                   "nll_bits",
                                                   "nll_bits_ensemble",
                                                   "validation_bits",
                                                   "theta_gap_mean",
                                                   "theta_gap_std",
                                                   "marginal_rmse",
                                                   "spearman",
                                                   "pearson",
                                                   "ranking_spearman",
                                                   "ranking_pearson",
                                                   "marginal_seconds",
                                                   "step_seconds"};
    return names;
}

std::vector<std::string> by_importance(std::vector<std::string> names) {
    const std::vector<std::string>& order = main_metrics();
    const auto size = std::ssize(order);
    auto rank = [&order, size](const std::string& name) {
        const std::string base = is_by_size(name) ? name.substr(0, name.rfind("_by_size")) : name;
        const auto place = std::find(order.begin(), order.end(), base) - order.begin();
        return base == "loss" ? place : base == "log_z_estimate" ? place + 1 : place + (place == size ? 2 : 0);
    };
    std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
        return std::pair(rank(a), std::string_view(a)) < std::pair(rank(b), std::string_view(b));
    });
    return names;
}

bool is_reference(std::string_view name) { return ends_with(name, "_exact") || ends_with(name, "_stderr"); }

bool is_by_size(std::string_view name) { return ends_with(name, "_by_size"); }

}  // namespace marginalia
