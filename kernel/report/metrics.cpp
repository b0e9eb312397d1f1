#include "kernel/report/metrics.h"

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
    Known{"free_energy", "nats", Goal::low, "E[log p - log f] over model samples"},
    Known{"impossible", "", Goal::low, "fraction of model samples with log f = -infinity"},
    Known{"nll_bits", "bits/site", Goal::low, "negative log-likelihood of reference samples"},
    Known{"theta_gap_mean", "nats", Goal::zero, "mean of log p(x) by the marginal head less that by the conditionals"},
    Known{"theta_gap_std", "nats", Goal::low, "its standard deviation"},
    Known{"marginal_rmse", "nats", Goal::low, "root mean square error of log-marginals, over all subset sizes"},
    Known{"marginal_bias", "nats", Goal::zero, "mean error of log-marginals"},
    Known{"spearman", "", Goal::high, "rank correlation of model and reference log-marginals"},
    Known{"pearson", "", Goal::high, "linear correlation of model and reference log-marginals"},
    Known{"marginal_seconds", "s", Goal::low, "16 marginals in one pass"},
    Known{"step_seconds", "s", Goal::low, "one training step"},
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
    Known{"marginal_rmse_by_size", "nats", Goal::low, "root mean square error of log-marginals of one subset size"},
    Known{"marginal_bias_by_size", "nats", Goal::none, "mean error of log-marginals of one subset size"},
};

bool ends_with(std::string_view name, std::string_view ending) { return name.ends_with(ending); }

}  // namespace

MetricInfo metric_info(std::string_view name) {
    for (const Known& metric : known)
        if (metric.name == name) return {std::string(metric.unit), metric.goal, std::string(metric.about)};
    if (is_reference(name)) return {ends_with(name, "_bits_exact") ? "bits/site" : "", Goal::none, ""};
    if (ends_with(name, "_seconds")) return {"s", Goal::low, ""};
    if (ends_with(name, "_bits")) return {"bits", Goal::low, ""};
    if (ends_with(name, "_bytes")) return {"bytes", Goal::low, ""};
    return {};
}

double badness(double value, Goal goal) {
    switch (goal) {
        case Goal::high:
            return -value;
        case Goal::zero:
            return std::abs(value);
        default:
            return value;
    }
}

std::string metric_title(std::string_view name) {
    const std::string unit = metric_info(name).unit;
    return unit.empty() ? std::string(name) : std::string(name) + " [" + unit + "]";
}

const std::vector<std::string>& main_metrics() {
    static const std::vector<std::string> names = {
        "kl",       "free_energy", "nll_bits",         "theta_gap_mean", "theta_gap_std", "marginal_rmse",
        "spearman", "pearson",     "marginal_seconds", "step_seconds"};
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
