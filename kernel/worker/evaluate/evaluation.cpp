#include "kernel/worker/evaluate/evaluation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <numbers>
#include <set>

#include <marginalia/host.h>
#include <marginalia/real_sites.h>

#include "kernel/worker/evaluate/reference.h"
#include "kernel/worker/model/table_states.h"

namespace marginalia {

namespace {

// What takes longer than this is measured once and needs no warm-up.
constexpr double long_seconds = 5;

// Median wall-clock seconds of `body`, which must leave its result on the CPU.
template <class Body>
double median_seconds(int repeats, const Body& body) {
    std::vector<double> seconds;
    for (int i = 0; i <= repeats; ++i) {
        const auto start = std::chrono::steady_clock::now();
        body();
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (taken.count() > long_seconds) return taken.count();
        if (i > 0) seconds.push_back(taken.count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
    return seconds[static_cast<std::size_t>(repeats) / 2];
}

// The mean and its standard error of each of the energy's observables over the rows of x.
void add_observables(const TrialParts& parts, const at::Tensor& x, std::int64_t chains, const std::string& suffix,
                     Figures& figures) {
    for (const auto& [name, all] : observe_rows(parts, x)) {
        const at::Tensor values =
            chains > 0 ? all : all.index({all.isfinite()});  // NaN: a quantity that this state does not have
        if (values.numel() == 0) continue;
        const Spread spread = spread_of(values, chains);
        figures["observable." + name + suffix] = spread.mean;
        figures["observable." + name + suffix + "_stderr"] = spread.error;
    }
}

// Wasserstein-1 distance of values to a normal distribution, by its quantiles at the middles of as many equal steps.
double distance_to_normal(const at::Tensor& values, double mean, double deviation) {
    const at::Tensor middles = (at::arange(values.numel(), at::kDouble) + 0.5) / static_cast<double>(values.numel());
    return wasserstein(values, mean + deviation * std::numbers::sqrt2 * at::erfinv(2 * middles - 1));
}

void add_targets(const TrialParts& parts, const at::Tensor& x, Figures& figures) {
    std::map<std::string, at::Tensor> observed;
    for (const Observable& observable : parts.energy->observables()) {
        if (std::isnan(observable.target_mean)) continue;
        if (observed.empty()) observed = observe_rows(parts, x);
        const at::Tensor all = observed.at(observable.name), values = all.index({all.isfinite()});
        if (values.numel() < 2) continue;
        figures["observable." + observable.name + "_deviation"] = spread_of(values).deviation;
        figures["observable_distance." + observable.name + "_target"] =
            distance_to_normal(values, observable.target_mean, observable.target_deviation);
    }
}

// From the importance weights w = f / p, p the density of the states drawn: log Z = log E_p[w], and the share of the
// states that count, E[w]² / E[w²]. Errors by the delta method.
void add_importance(const at::Tensor& log_weight, Figures& figures) {
    const auto n = static_cast<double>(log_weight.numel());
    const double log_mean = log_weight.logsumexp(0).item<double>() - std::log(n);
    if (n < 2 || !std::isfinite(log_mean)) return;
    const at::Tensor weight = (log_weight - log_mean).exp();  // of mean 1
    const double square = weight.square().mean().item<double>();
    const at::Tensor influence = (2 * (weight - 1) - (weight.square() - square) / square) / square;
    figures["log_z_importance"] = log_mean;
    figures["log_z_importance_stderr"] = std::sqrt(std::max(0.0, square - 1) / (n - 1));
    figures["ess"] = 1 / square;
    figures["ess_stderr"] = std::sqrt(influence.square().sum().item<double>() / (n * (n - 1)));
}

// How far log Z by importance weights is from the exact one, and log Z a site.
void add_log_z(const LogZ& log_z, std::int64_t sites, Figures& figures) {
    const auto found = figures.find("log_z_importance");
    if (found == figures.end()) return;
    const double value = found->second, error = figures.at("log_z_importance_stderr");
    figures["log_z_importance_per_site"] = value / static_cast<double>(sites);
    figures["log_z_importance_per_site_stderr"] = error / static_cast<double>(sites);
    if (!log_z.value || !log_z.exact) return;
    figures["log_z_importance_error"] = std::abs(value - *log_z.value);
    figures["log_z_importance_error_stderr"] = error;
}

// The observables of the state that the energy likes best of those drawn.
void add_best(const TrialParts& parts, const at::Tensor& x, const at::Tensor& log_f, Figures& figures) {
    const std::int64_t best = log_f.argmax().item<std::int64_t>();
    for (const auto& [name, value] : observe_rows(parts, x.slice(0, best, best + 1)))
        if (const double number = value.item<double>(); std::isfinite(number))
            figures["observable_best." + name] = number;
}

// Of the model's distribution from the target's: E_p[max(0, 1 - f / (Z p))] over the model's own states.
void add_total_variation(const at::Tensor& log_weight, double log_z, Figures& figures) {
    const Spread missing = spread_of((1 - (log_weight - log_z).exp()).clamp_min(0));
    figures["total_variation"] = missing.mean;
    figures["total_variation_stderr"] = missing.error;
}

}  // namespace

Figures evaluate_identities(const TrialParts& parts, const at::Tensor& x) {
    if (!parts.domain.site_categories.empty()) return {};  // numbers spell nothing
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(x.size(1))};
    std::set<std::string> different;
    std::vector<std::uint8_t> valid;
    bool more_than_text = false;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string identity = parts.variables().identity(rows[row]);
        more_than_text = more_than_text || identity != parts.variables().text(rows[row]);
        if (identity.empty()) continue;
        different.insert(identity);
        valid.insert(valid.end(), rows[row].begin(), rows[row].end());
    }
    if (!more_than_text) return {};
    const auto count = static_cast<double>(valid.size() / rows.width);
    Figures figures{{"valid", count / static_cast<double>(rows.size())}};
    if (count > 0) figures["unique"] = static_cast<double>(different.size()) / count;
    if (parts.energy)
        if (const double diversity = parts.energy->diversity({valid, rows.width}); !std::isnan(diversity))
            figures["diversity"] = diversity;
    return figures;
}

at::Tensor observed_values(const TrialParts& parts, const at::Tensor& x) {
    const std::size_t width = parts.variables().observables().size();
    at::Tensor values = at::empty({x.size(0), static_cast<std::int64_t>(width)}, at::kDouble);
    if (width == 0) return values;
    const SplitStates split = split_states(to_host(x));
    for (std::size_t row = 0; row < split.rows().size(); ++row) {
        const std::span<double> out{values.data_ptr<double>() + row * width, width};
        if (parts.energy) parts.energy->mixed_observe(split.rows()[row], split.reals_of(row), out);
        else parts.dataset->observe(split.rows()[row], out);
    }
    return values;
}

std::map<std::string, at::Tensor> observe_rows(const TrialParts& parts, const at::Tensor& x) {
    const std::vector<Observable> observables = parts.variables().observables();
    const at::Tensor values = observed_values(parts, x);
    std::map<std::string, at::Tensor> by_name;
    for (std::size_t i = 0; i < observables.size(); ++i)
        by_name[observables[i].name] = values.select(1, static_cast<std::int64_t>(i));
    return by_name;
}

std::string suffix_of(Model::Density density) {
    if (density == Model::Density::exact) return "";
    return density == Model::Density::bound ? "_bound" : "_estimate";
}

at::Tensor log_f_of(const TrialParts& parts, const at::Tensor& x) { return parts.batch_energy->evaluate(to_host(x)); }

Figures likelihood_figures(const Spread& log_p, double bits, const std::string& suffix) {
    return {{"nll" + suffix, -log_p.mean},
            {"nll" + suffix + "_stderr", log_p.error},
            {"nll_bits" + suffix, -log_p.mean / bits},
            {"nll_bits" + suffix + "_stderr", log_p.error / bits}};
}

Figures density_figures(const TrialParts& parts, const at::Tensor& x, const at::Tensor& log_p,
                        const std::string& suffix, std::int64_t chains) {
    const TableStates states(parts.variables().site_list(), parts.domain.categories);
    const Spread scaled = spread_of(log_p, chains),
                 own = spread_of(log_p - states.log_units(x.slice(0, 0, log_p.numel())), chains);
    return {{"nll_scaled" + suffix, -scaled.mean},
            {"nll_scaled" + suffix + "_stderr", scaled.error},
            {"nll" + suffix, -own.mean},
            {"nll" + suffix + "_stderr", own.error}};
}

Figures evaluate_samples(const TrialParts& parts, const Model& model, const LogZ& log_z, const Draws& draws,
                         at::Generator& generator, const KeepGoing& keep_going, at::Tensor& drawn) {
    UntilPrecise ratios(draws.precision);  // log p - log f
    std::vector<at::Tensor> log_f_of_batches;
    const auto enough = [&](const Generated& batch) {
        if (!parts.energy) return false;
        log_f_of_batches.push_back(log_f_of(parts, batch.x));
        return ratios.add(batch.log_p - log_f_of_batches.back());
    };
    const Generated states = draw_states(model, draws.most, draws.batch, generator, keep_going, enough);
    drawn = states.x;
    Figures figures;
    if (parts.objective->trains_marginals()) {
        const Spread gap =
            spread_of(log_marginals(model, states.x, draws.batch, parts.device, keep_going) - states.log_p);
        figures = {{"theta_gap_mean", gap.mean}, {"theta_gap_std", gap.deviation}};
    }
    if (!parts.energy) return figures;
    if (draws.precision > 0) figures["evaluation_samples"] = static_cast<double>(states.x.size(0));
    add_observables(parts, states.x, 0, "", figures);
    add_targets(parts, states.x, figures);
    figures.merge(evaluate_identities(parts, states.x));
    const at::Tensor log_f = at::cat(log_f_of_batches);
    add_best(parts, states.x, log_f, figures);
    const double impossible = (log_f == -INFINITY).to(at::kDouble).mean().item<double>();
    if (impossible > 0) figures["impossible"] = impossible;  // and the figures below are infinite
    const Spread ratio = spread_of(ratios.values());
    const std::string suffix = suffix_of(model.density());
    figures["free_energy" + suffix] = ratio.mean;
    figures["free_energy" + suffix + "_stderr"] = ratio.error;
    if (suffix.empty()) {
        figures["elbo"] = -ratio.mean;
        figures["elbo_stderr"] = ratio.error;
        add_importance(log_f - states.log_p, figures);
        add_log_z(log_z, parts.domain.sites, figures);
        if (log_z.value && log_z.exact) add_total_variation(log_f - states.log_p, *log_z.value, figures);
    }
    const auto sites = static_cast<double>(parts.domain.sites);
    if (suffix.empty()) figures["free_energy_per_site"] = ratio.mean / sites;
    if (log_z.value) {
        const std::string kl = "kl" + (log_z.exact ? suffix : suffix_of(Model::Density::estimate));
        figures[kl] = ratio.mean + *log_z.value;
        figures[kl + "_stderr"] = std::hypot(ratio.error, log_z.error);
        if (kl == "kl") figures["kl_per_site"] = figures[kl] / sites;
    }
    return figures;
}

Figures evaluate_reference(const TrialParts& parts, const Model& model, const LogZ& log_z, const Reference& reference,
                           const Draws& draws, at::Generator& generator, const KeepGoing& keep_going) {
    UntilPrecise compared(draws.precision, reference.chains);  // of an energy log f - log p, else log p
    const auto enough = [&](const at::Tensor& log_p) {
        if (!parts.energy) return compared.add(log_p);
        const std::int64_t first = compared.values().defined() ? compared.values().numel() : 0;
        return compared.add(log_f_of(parts, reference.x.slice(0, first, first + log_p.numel())) - log_p);
    };
    const at::Tensor log_p =
        log_densities(model, reference.x.slice(0, 0, draws.most), draws.batch, generator, keep_going, enough);
    const double bits = static_cast<double>(parts.domain.sites) * std::numbers::ln2;
    const std::string suffix = suffix_of(model.density());
    Figures figures = parts.domain.site_categories.empty()
                          ? likelihood_figures(spread_of(log_p, reference.chains), bits, suffix)
                          : density_figures(parts, reference.x, log_p, suffix, reference.chains);
    if (draws.precision > 0) figures["evaluation_rows"] = static_cast<double>(log_p.numel());
    if (!parts.energy) return figures;
    add_observables(parts, reference.x, reference.chains, "_reference", figures);
    const Spread forward = spread_of(compared.values(), reference.chains);
    if (suffix.empty()) {
        figures["eubo"] = forward.mean;
        figures["eubo_stderr"] = forward.error;
    }
    if (log_z.value) {
        const std::string name = "forward_kl" + (log_z.exact ? suffix : suffix_of(Model::Density::estimate));
        figures[name] = forward.mean - *log_z.value;
        figures[name + "_stderr"] = std::hypot(forward.error, log_z.error);
    }
    return figures;
}

Figures time_marginals(const TrialParts& parts, const Model& model, const at::Tensor& x, at::Generator& generator,
                       const Tick& tick) {
    const at::NoGradGuard no_grad;
    const at::Tensor rows = x.index_select(0, at::arange(16).remainder(x.size(0))).to(parts.device);
    const auto by_conditionals = [&](std::int64_t copies) {
        return median_seconds(3, [&] { model.log_density(rows.repeat({copies, 1}), generator, tick).cpu(); });
    };
    if (model.density() == Model::Density::none) return {};
    Figures figures{{"conditional_seconds", by_conditionals(1)}, {"conditional5_seconds", by_conditionals(5)}};
    if (parts.objective->trains_marginals())
        figures["marginal_seconds"] = median_seconds(21, [&] { model.log_marginal(rows).cpu(); });
    return figures;
}

}  // namespace marginalia
