#include "kernel/spec/metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace marginalia {
namespace {

// What is done with a metric beside showing its value.
enum Use : unsigned {
    in_tables = 1,    // among the first in summaries and tables
    in_progress = 2,  // in the line of a trial that runs
    in_curves = 4,    // a curve of quick evaluations, whose last point is the final figure
    for_start = 8,    // says which of an experiment's trials is the best to start from
};

struct Known {
    std::string_view name, unit;
    Goal goal;
    unsigned uses;
    std::string_view about;
};

// The most telling first: summaries show those that are `in_tables` in this order.
constexpr Known metric_table[] = {
    {"kl", "nats", Goal::low, in_tables | in_progress | in_curves | for_start,
     "true KL divergence of the model from the target, log Z known"},
    {"kl_bound", "nats", Goal::low, in_tables | in_curves,
     "upper bound of kl, as log p is only bounded from above over the model's own states"},
    {"forward_kl", "nats", Goal::low, in_tables,
     "KL divergence of the target from the model, over reference states, which with [reference] are of chains"},
    {"ess", "", Goal::high, in_tables,
     "effective share of the model samples under importance weights, (Σ w)² / (n Σ w²)"},
    {"free_energy", "nats", Goal::low, in_tables | in_progress | in_curves, "E[log p - log f] over model samples"},
    {"nll_bits", "bits/site", Goal::low, in_tables | in_progress | for_start,
     "negative log-likelihood of reference samples"},
    {"nll_bits_ensemble", "bits/site", Goal::low, in_tables, "the same for the mean of p over several orders"},
    {"validation_bits", "bits/site", Goal::low, in_tables, "negative log-likelihood of rows of the validation split"},
    {"nll_scaled", "nats", Goal::low, in_tables | in_progress | for_start,
     "negative log-likelihood of a row of a table, its columns scaled as the dataset scales them"},
    {"validation_nll_scaled", "nats", Goal::low, in_tables, "the same of rows of the validation split"},
    {"theta_gap_mean", "nats", Goal::zero, in_tables,
     "mean of log p(x) by the marginal head less that by the conditionals"},
    {"theta_gap_std", "nats", Goal::low, in_tables, "its standard deviation"},
    {"marginal_rmse", "nats", Goal::low, in_tables, "root mean square error of log-marginals, over all subset sizes"},
    {"spearman", "", Goal::high, in_tables, "rank correlation of model and reference log-marginals"},
    {"pearson", "", Goal::high, in_tables, "linear correlation of model and reference log-marginals"},
    {"sinkhorn", "units²", Goal::low, in_tables,
     "mean squared distance from model states to reference states by an entropic plan of transport"},
    {"ranking_spearman", "", Goal::high, in_tables,
     "rank correlation of log p by the marginal head with the ensemble's, mean over groups of rows"},
    {"ranking_pearson", "", Goal::high, in_tables,
     "linear correlation of log p by the marginal head with the ensemble's, mean over groups of rows"},
    {"marginal_seconds", "s", Goal::low, in_tables, "16 marginals in one pass"},
    {"step_seconds", "s", Goal::low, in_tables, "one training step"},
    {"loss", "", Goal::low, in_progress, "training loss"},
    {"log_z_estimate", "nats", Goal::none, 0, "the running estimate of log Z"},
    {"kl_stderr", "nats", Goal::none, 0, "standard error of kl from the number of model samples"},
    {"kl_per_site", "nats/site", Goal::low, in_curves, "kl divided by the number of sites"},
    {"forward_kl_stderr", "nats", Goal::none, 0, "standard error of forward_kl from the number of reference states"},
    {"free_energy_per_site", "nats/site", Goal::low, in_curves, "free_energy divided by the number of sites"},
    {"impossible", "", Goal::low, 0, "fraction of model samples with log f = -infinity"},
    {"ranking_one_order_spearman", "", Goal::high, 0,
     "ranking_spearman of the conditionals along one order in the marginal head's place"},
    {"ranking_one_order_pearson", "", Goal::high, 0,
     "ranking_pearson of the conditionals along one order in the marginal head's place"},
    {"ranking_groups", "groups", Goal::none, 0,
     "groups of rows that ranking_spearman and ranking_pearson are means over"},
    {"ranking_log_p_stderr", "nats", Goal::none, 0,
     "root mean square of the standard errors of log p by the conditionals of the rows ranked"},
    {"ranking_passes", "passes", Goal::none, 0, "passes of the network for log p of a row ranked, on average"},
    {"evaluation_samples", "states", Goal::none, 0, "model samples drawn until kl and free_energy were precise enough"},
    {"evaluation_rows", "states", Goal::none, 0,
     "reference samples scored until forward_kl or nll_bits was precise enough"},
    {"valid", "", Goal::high, 0, "fraction of model samples that stand for something"},
    {"unique", "", Goal::high, 0, "fraction of valid model samples that stand for different things"},
    {"novel", "", Goal::high, 0, "fraction of valid model samples that are not in the training split"},
    {"pixel_distance", "", Goal::low, 0,
     "total variation distance of the symbols at a pixel, mean over pixels, between model samples and test rows"},
    {"pixel_distance_floor", "", Goal::none, 0, "pixel_distance between training and test rows"},
    {"pair_distance", "", Goal::low, 0,
     "total variation distance of the symbols of neighbouring pixels between model samples and test rows"},
    {"pair_distance_floor", "", Goal::none, 0, "pair_distance between training and test rows"},
    {"frechet_distance", "", Goal::low, 0,
     "squared Fréchet distance of a digit network's features between model samples and test rows"},
    {"frechet_distance_floor", "", Goal::none, 0, "frechet_distance between training and test rows"},
    {"diversity", "", Goal::high, 0, "mean distance between valid model samples, such as 1 - Tanimoto similarity"},
    {"elbo", "nats", Goal::high, 0, "E[log f - log p] over model samples: a lower bound of log Z"},
    {"eubo", "nats", Goal::low, 0, "E[log f - log p] over reference states: an upper bound of log Z"},
    {"total_variation", "", Goal::low, 0, "total variation distance of the model from the target, 0 to 1, log Z known"},
    {"log_z_importance", "nats", Goal::none, 0, "log Z of the target by importance weights of model samples"},
    {"log_z_importance_stderr", "nats", Goal::none, 0, "its standard error by the delta method"},
    {"log_z_importance_error", "nats", Goal::low, 0, "its distance from the exact log Z"},
    {"log_z_importance_per_site", "nats/site", Goal::none, 0, "log_z_importance divided by the number of sites"},
    {"marginal_gap", "nats", Goal::low, 0,
     "root mean square difference of the quickest log-marginals of partial test rows from means over several answers"},
    {"marginal_passes", "passes", Goal::low, 0, "passes of the network that such a log-marginal takes"},
    {"nll", "nats", Goal::low, 0, "negative log-likelihood of a reference state or test row, all sites together"},
    {"kl_enumerated", "nats", Goal::low, 0, "true KL divergence of the model from the target, a sum over all states"},
    {"forward_kl_enumerated", "nats", Goal::low, 0,
     "KL divergence of the target from the model, a sum over all states"},
    {"total_variation_enumerated", "", Goal::low, 0, "total variation distance, 0 to 1, a sum over all states"},
    {"chi_squared_enumerated", "", Goal::low, 0,
     "chi-squared divergence of the model from the target, a sum over all states"},
    {"marginal_bias", "nats", Goal::zero, 0, "mean error of log-marginals"},
    {"train_seconds", "s", Goal::low, 0,
     "wall-clock seconds of training, of all processes of a resumed trial together, evaluation left out"},
    {"clipped", "", Goal::none, 0, "share of the training steps whose gradient was clipped"},
    {"conditional_seconds", "s", Goal::low, 0, "16 marginals as sums of conditionals along one order"},
    {"conditional5_seconds", "s", Goal::low, 0, "16 marginals as sums of conditionals along five orders"},
    {"marginal_states", "states", Goal::none, 0,
     "partial states whose exact log-marginal was found in time, where not all were"},
    {"gradient_norm", "", Goal::none, 0, "length of the gradient of the network's weights before it is clipped"},
    {"learning_rate", "", Goal::none, 0, "the optimiser's step size"},
    {"anneal", "", Goal::none, 0, "the power of the energy that the step learns from"},
    {"penalty", "", Goal::low, 0, "self-consistency penalty"},
    {"log_z_exact", "nats", Goal::none, 0, "exact log Z of the target"},
    {"entropy_bits_exact", "bits/site", Goal::none, 0, "exact entropy of the target: the floor of nll_bits"},
    {"log_z_ais", "nats", Goal::none, 0, "log Z of the target by annealed importance sampling"},
    {"log_z_ais_stderr", "nats", Goal::none, 0, "standard error of log_z_ais from the number of chains"},
    {"log_z_ais_lower", "nats", Goal::none, 0, "mean log weight of its chains: on average a lower bound of log Z"},
    {"log_z_ais_effective", "chains", Goal::high, 0, "effective number of its chains"},
    {"reference_rhat", "", Goal::low, 0,
     "scale reduction between the chains of reference states: near 1 where they mixed"},
    {"reference_ess", "states", Goal::high, 0, "effective number of independent reference states"},
    {"energy_distance", "nats", Goal::low, 0,
     "Wasserstein-1 distance of the histograms of log f, model from reference states"},
    {"energy_distance_floor", "nats", Goal::none, 0,
     "energy_distance between two halves of the reference states: what two sets of true states differ by"},
    {"pair_correlation_rmse_floor", "", Goal::none, 0,
     "pair_correlation_rmse between two halves of the reference states: what two sets of true states differ by"},
    {"pair_correlation_rmse", "", Goal::low, 0, "root mean square error of the pair correlations, over all distances"},
    {"sinkhorn_floor", "units²", Goal::none, 0,
     "sinkhorn between two sets of reference states: what two sets of true states differ by"},
    {"two_point_error", "", Goal::low, 0,
     "mean absolute error of the two-point correlations, not connected, over all distances"},
    {"two_point_error_floor", "", Goal::none, 0,
     "two_point_error between two halves of the reference states: what two sets of true states differ by"},
    {"pair_correlation", "", Goal::none, 0, "pair correlation of model states by distance in sites"},
    {"pair_correlation_reference", "", Goal::none, 0, "pair correlation of reference states by distance in sites"},
    {"marginal_rmse_by_size", "nats", Goal::low, 0, "root mean square error of log-marginals of one subset size"},
    {"marginal_bias_by_size", "nats", Goal::none, 0, "mean error of log-marginals of one subset size"},
};

constexpr std::string_view by_size = "_by_size";

bool ends_with(std::string_view name, std::string_view ending) { return name.ends_with(ending); }

const Known* find_known(std::string_view name) {
    const auto found = std::ranges::find(metric_table, name, &Known::name);
    return found == std::end(metric_table) ? nullptr : found;
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
    return MetricInfo{std::string(base->unit), error ? Goal::none : base->goal, about,
                      !error && (base->uses & in_curves)};
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

// "observable_best.cut".
MetricInfo observable_best_info() {
    return {"", Goal::none, "value of an observable in the model state of the highest log f"};
}

// "observable_error.magnetisation", and with _stderr.
MetricInfo observable_error_info(std::string_view name) {
    const std::string about = "distance of an observable's means over model and over reference states";
    if (name.ends_with("_stderr")) return {"", Goal::none, "standard error of the " + about};
    return {"", Goal::low, about};
}

// "ngram_distance_2", "observable_distance.rings", and either with _floor.
MetricInfo distance_info(std::string_view name) {
    const std::string of =
        name.starts_with("ngram") ? "total variation distance of n-grams" : "Wasserstein-1 distance of an observable";
    if (name.ends_with("_floor")) return {"", Goal::none, of + " between training and test rows"};
    if (name.ends_with("_target")) return {"", Goal::low, of + " between model states and what is aimed at"};
    return {"", Goal::low, of + " between model samples and test rows"};
}

constexpr std::string_view of_error = "_stderr";

// The other way round: "kl_stderr" of "kl@coupling=0.3_stderr".
std::string of_any_member(std::string_view name) {
    const std::size_t at = name.find('@');
    if (at == name.npos) return std::string(name);
    return std::string(name.substr(0, at)) + std::string(name.ends_with(of_error) ? of_error : "");
}

std::vector<std::string> used(Use use) {
    std::vector<std::string> names;
    for (const Known& metric : metric_table)
        if (metric.uses & use) names.emplace_back(metric.name);
    return names;
}

}  // namespace

std::string member_metric(const std::string& name, const std::string& label) {
    if (label.empty()) return name;
    std::string_view base = name;
    return remove_ending(base, of_error) ? std::string(base) + "@" + label + std::string(of_error) : name + "@" + label;
}

MetricInfo metric_info(std::string_view called) {
    const std::string name = of_any_member(called);
    if (const Known* metric = find_known(name))
        return {std::string(metric->unit), metric->goal, std::string(metric->about), (metric->uses & in_curves) != 0};
    if (name.starts_with("observable.")) return observable_info(name);
    if (name.starts_with("observable_error.")) return observable_error_info(name);
    if (name.starts_with("observable_best.")) return observable_best_info();
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
    static const std::vector<std::string> names = used(in_tables);
    return names;
}

const std::vector<std::string>& told_metrics() {
    static const std::vector<std::string> names = used(in_progress);
    return names;
}

const std::vector<std::string>& ranking_metrics() {
    static const std::vector<std::string> names = used(for_start);
    return names;
}

std::vector<std::string> known_metrics() {
    std::vector<std::string> names;
    for (const Known& metric : metric_table) names.emplace_back(metric.name);
    return names;
}

std::vector<std::string> by_importance(std::vector<std::string> names) {
    const std::vector<std::string>& order = main_metrics();
    const auto size = std::ssize(order);
    auto rank = [&order, size](const std::string& name) {
        const std::string any = of_any_member(name);
        const std::string base = axis_of(any) == Axis::sites ? any.substr(0, any.rfind(by_size)) : any;
        const auto place = std::find(order.begin(), order.end(), base) - order.begin();
        return base == "loss" ? place : base == "log_z_estimate" ? place + 1 : place + (place == size ? 2 : 0);
    };
    std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
        return std::pair(rank(a), std::string_view(a)) < std::pair(rank(b), std::string_view(b));
    });
    return names;
}

bool is_reference(std::string_view name) {
    return ends_with(of_any_member(name), "_exact") || ends_with(name, of_error);
}

Axis axis_of(std::string_view called) {
    const std::string name = of_any_member(called);
    if (ends_with(name, by_size)) return Axis::sites;
    return name == "pair_correlation" || name == "pair_correlation_reference" ? Axis::distance : Axis::step;
}

}  // namespace marginalia
