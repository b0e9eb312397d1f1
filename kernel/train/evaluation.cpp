#include "kernel/train/evaluation.h"

#include <chrono>
#include <cmath>
#include <numbers>

#include <ATen/ATen.h>

namespace marginalia {

namespace {

at::Tensor log_density(const TrialParts& parts, const at::Tensor& x) {
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    at::Tensor values = at::empty({x.size(0)}, at::kDouble);
    parts.batch_energy->evaluate({bytes, static_cast<std::size_t>(x.size(1))},
                                 {values.data_ptr<double>(), static_cast<std::size_t>(values.numel())});
    return values;
}

// Median wall-clock seconds of `body`, which must leave its result on the CPU.
template <class Body>
double median_seconds(int repeats, const Body& body) {
    std::vector<double> seconds;
    for (int i = 0; i <= repeats; ++i) {
        const auto start = std::chrono::steady_clock::now();
        body();
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (i > 0) seconds.push_back(taken.count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
    return seconds[static_cast<std::size_t>(repeats) / 2];
}

bool always(std::int64_t, std::int64_t) { return true; }

// The mean and its standard error of each of the energy's observables over the rows of x.
void add_observables(const TrialParts& parts, const at::Tensor& x, const std::string& suffix, Figures& figures) {
    const std::vector<Observable> observables = parts.energy->observables();
    if (observables.empty()) return;
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(x.size(1))};
    const auto count = static_cast<std::int64_t>(observables.size());
    at::Tensor values = at::empty({x.size(0), count}, at::kDouble);
    for (std::size_t row = 0; row < rows.size(); ++row)
        parts.energy->observe(rows[row], {values.data_ptr<double>() + row * observables.size(), observables.size()});
    for (std::int64_t i = 0; i < count; ++i) {
        const Spread spread = spread_of(values.select(1, i));
        const std::string name = "observable." + observables[static_cast<std::size_t>(i)].name + suffix;
        figures[name] = spread.mean;
        figures[name + "_stderr"] = spread.error;
    }
}

}  // namespace

Spread spread_of(const at::Tensor& values) {
    const double deviation = values.numel() > 1 ? values.std().item<double>() : 0;
    return {values.mean().item<double>(), deviation, deviation / std::sqrt(static_cast<double>(values.numel()))};
}

Figures evaluate_samples(const TrialParts& parts, std::int64_t samples, std::int64_t batch, at::Generator& generator,
                         const KeepGoing& keep_going, at::Tensor& drawn) {
    const DrawnStates states = draw_states(*parts.network, samples, batch, generator, parts.device, keep_going);
    drawn = states.x;
    Figures figures;
    if (parts.objective->trains_marginals()) {
        const Spread gap = spread_of(marginal_log_density(*parts.network, states.x, batch, parts.device) - states.log_p);
        figures = {{"theta_gap_mean", gap.mean}, {"theta_gap_std", gap.deviation}};
    }
    if (!parts.energy) return figures;
    add_observables(parts, states.x, "", figures);
    const at::Tensor log_f = log_density(parts, states.x);
    const double impossible = (log_f == -INFINITY).to(at::kDouble).mean().item<double>();
    if (impossible > 0) figures["impossible"] = impossible;  // and the figures below are infinite
    const Spread ratio = spread_of(states.log_p - log_f);
    figures["free_energy"] = ratio.mean;
    figures["free_energy_stderr"] = ratio.error;
    if (const auto log_z = parts.energy->log_z()) {
        figures["kl"] = ratio.mean + *log_z;
        figures["kl_stderr"] = ratio.error;
    }
    return figures;
}

Figures evaluate_reference(const TrialParts& parts, const at::Tensor& reference, std::int64_t batch, at::Generator& generator,
                           const KeepGoing& keep_going) {
    const at::Tensor log_p = conditional_log_density(*parts.network, reference, batch, generator, parts.device, keep_going);
    const Spread spread = spread_of(log_p);
    const double bits = static_cast<double>(parts.domain.sites) * std::numbers::ln2;
    Figures figures{{"nll_bits", -spread.mean / bits}, {"nll_bits_stderr", spread.error / bits}};
    if (parts.energy) add_observables(parts, reference, "_reference", figures);
    return figures;
}

Figures time_marginals(const TrialParts& parts, const at::Tensor& x, at::Generator& generator) {
    const Network& network = *parts.network;
    const at::Tensor rows = x.slice(0, 0, 16).to(parts.device);
    const auto along = [&](std::int64_t orders) {
        return median_seconds(3, [&] {
            conditional_log_density(network, rows.repeat({orders, 1}), 16 * orders, generator, parts.device, always);
        });
    };
    return {{"marginal_seconds", median_seconds(21, [&] { marginal_log_density(network, rows, 16, parts.device); })},
            {"conditional_seconds", along(1)},
            {"conditional5_seconds", along(5)}};
}

}  // namespace marginalia
