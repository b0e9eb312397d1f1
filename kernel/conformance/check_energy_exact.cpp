#include <cmath>
#include <optional>

#include "kernel/conformance/energy_checks.h"

namespace marginalia {
namespace {

constexpr double tolerance = 1e-6;  // nats
constexpr std::size_t most_states = 1 << 16;
constexpr std::size_t marginals_tried = 48;
constexpr std::size_t samples_tried = 200;

// All states of a small energy with their probabilities.
struct Enumeration {
    StateTable states;
    std::vector<double> log_p;
    double log_z = 0;
    double entropy = 0;
    double mean_log_f = 0;
    double variance_log_f = 0;

    double log_marginal(State partial, std::int64_t unknown) const {
        double sum = 0;
        for (std::size_t row = 0; row < states.size(); ++row) {
            const State x = states[row];
            bool agrees = true;
            for (std::size_t site = 0; site < x.size(); ++site)
                agrees = agrees && (partial[site] == unknown || partial[site] == x[site]);
            if (agrees) sum += std::exp(log_p[row]);
        }
        return std::log(sum);
    }
};

std::optional<StateTable> all_states(const Energy& energy) {
    std::size_t count = 1;
    for (std::int64_t site = 0; site < energy.sites(); ++site) {
        count *= energy.categories();
        if (count > most_states) return std::nullopt;
    }
    StateTable table{{}, static_cast<std::size_t>(energy.sites())};
    for (std::size_t number = 0; number < count; ++number) {
        std::size_t rest = number;
        for (std::size_t site = 0; site < table.width; ++site, rest /= energy.categories())
            table.bytes.push_back(static_cast<std::uint8_t>(rest % energy.categories()));
    }
    return table;
}

std::optional<Enumeration> enumerate(const Energy& energy) {
    auto states = all_states(energy);
    if (!states) return std::nullopt;
    Enumeration all{std::move(*states), {}};
    all.log_p.resize(all.states.size());
    energy.log_densities(all.states.view(), all.log_p);
    double largest = -HUGE_VAL, sum = 0;
    for (const double log_f : all.log_p) largest = std::max(largest, log_f);
    expect(largest > -HUGE_VAL, "every state has log f = -infinity, so there is no distribution");
    for (const double log_f : all.log_p) sum += std::exp(log_f - largest);
    all.log_z = largest + std::log(sum);
    double squares = 0;
    for (double& log_f : all.log_p) {
        if (log_f == -HUGE_VAL) continue;
        const double p = std::exp(log_f - all.log_z);
        all.mean_log_f += p * log_f;
        squares += p * log_f * log_f;
        log_f -= all.log_z;
    }
    all.entropy = all.log_z - all.mean_log_f;
    all.variance_log_f = squares - all.mean_log_f * all.mean_log_f;
    return all;
}

std::string compare(const char* what, std::optional<double> offered, double right) {
    if (!offered) return "not offered";
    expect(nearly_equal(*offered, right, tolerance),
           std::string(what) + " is given as " + digits(*offered) + " where enumeration finds " + digits(right) +
               " nats");
    return digits(*offered) + " nats, as enumerated";
}

std::string is_number(std::optional<double> offered) {
    if (!offered) return "not offered";
    expect(std::isfinite(*offered), "it is " + digits(*offered) + "; return nullopt where it is not known");
    return digits(*offered) + " nats (too many states to enumerate)";
}

std::string check_marginals(const Energy& energy, const Enumeration* all, const StateTable& partial) {
    const States some = partial.view().slice(0, std::min(marginals_tried, partial.size()));
    std::vector<double> given(some.size(), std::nan(""));
    if (!energy.log_marginals(some, given)) return "not offered";
    for (std::size_t row = 0; row < some.size(); ++row) {
        const std::string name = "the log-marginal of " + energy.text(some[row]) + " is given as " + digits(given[row]);
        expect(given[row] <= tolerance, name + "; it must not be above 0");
        if (!all) continue;
        const double right = all->log_marginal(some[row], energy.categories());
        expect(nearly_equal(given[row], right, tolerance), name + " where enumeration finds " + digits(right));
    }
    in_threads([&] {
        std::vector<double> again(some.size());
        energy.log_marginals(some, again);
        expect(again == given, "log_marginals gives other values from other threads; it must not change the object");
    });
    return std::to_string(some.size()) + " partial states, also from four threads" + (all ? ", as enumerated" : "");
}

// p(nothing known) = 1, p(x) = f(x) / Z, and one site's values sum to the marginal without it.
std::string check_marginal_sums(const Energy& energy, const StateTable& partial) {
    const auto unknown = static_cast<std::uint8_t>(energy.categories());
    StateTable rows{std::vector<std::uint8_t>(energy.sites(), unknown), partial.width};
    const State base = partial[0];
    for (int symbol = 0; symbol <= unknown; ++symbol) {
        rows.bytes.insert(rows.bytes.end(), base.begin(), base.end());
        rows.bytes[rows.bytes.size() - rows.width] = static_cast<std::uint8_t>(symbol);
    }
    const State full = partial[partial.size() - 1];
    for (const std::uint8_t symbol : full) rows.bytes.push_back(symbol == unknown ? 0 : symbol);
    std::vector<double> given(rows.size());
    if (!energy.log_marginals(rows.view(), given)) return "not offered";

    expect(std::abs(given[0]) < tolerance, "the log-marginal of nothing is " + digits(given[0]) + ", not 0");
    double sum = 0;
    for (int symbol = 0; symbol < unknown; ++symbol) sum += std::exp(given[1 + symbol] - given[1 + unknown]);
    expect(nearly_equal(sum, 1, tolerance), "the marginals of one site's values sum to " + digits(sum) +
                                                " of the marginal without that site, not to 1");
    if (const auto log_z = energy.log_z()) {
        const double right = energy.log_density(rows[rows.size() - 1]) - *log_z;
        expect(nearly_equal(given.back(), right, tolerance),
               "the log-marginal of a full state is " + digits(given.back()) + ", not log f - log Z = " + digits(right));
    }
    return "sum to 1 over a site, log f - log Z for a full state";
}

std::string check_samples(const Energy& energy, const Enumeration* all) {
    const auto samples = energy.reference_samples(samples_tried, 1);
    if (!samples) return "not offered";
    const auto width = static_cast<std::size_t>(energy.sites());
    expect(samples->rows.size() == samples_tried * width,
           "asked for " + std::to_string(samples_tried) + " samples, reference_samples gave " +
               std::to_string(samples->rows.size()) + " bytes, not " + std::to_string(samples_tried * width));
    for (const std::uint8_t symbol : samples->rows)
        expect(symbol < energy.categories(),
               "a sample holds the symbol " + std::to_string(symbol) + "; there are only " +
                   std::to_string(energy.categories()) + " categories");
    expect(!samples->how.empty(), "the samples do not say how they were drawn; fill in ReferenceSamples::how");
    expect(energy.reference_samples(samples_tried, 1)->rows == samples->rows, "the same seed gave other samples");
    std::vector<double> log_f(samples_tried);
    energy.log_densities({samples->rows, width}, log_f);
    double mean = 0;
    for (const double value : log_f) {
        expect(value > -HUGE_VAL, "a sample has log f = -infinity");
        mean += value / samples_tried;
    }
    if (all && samples->exact) {
        const double sigma = std::sqrt(all->variance_log_f / samples_tried);
        expect(std::abs(mean - all->mean_log_f) <= 5 * sigma + tolerance,
               "the mean log f of " + std::to_string(samples_tried) + " samples is " + digits(mean) + ", more than 5 "
               "standard errors (" + digits(sigma) + ") from " + digits(all->mean_log_f));
    }
    return samples->how;
}

}  // namespace

void check_energy_exact(const Energy& energy, const StateTable& partial, Checker& checker) {
    std::optional<Enumeration> all;
    checker.run("enumeration", [&]() -> std::string {
        all = enumerate(energy);
        if (!all) return "too many states; give a smaller size to check more";
        return std::to_string(all->states.size()) + " states";
    });
    checker.run("log Z", [&] {
        return all ? compare("log Z", energy.log_z(), all->log_z) : is_number(energy.log_z());
    });
    checker.run("entropy", [&] {
        return all ? compare("the entropy", energy.entropy(), all->entropy) : is_number(energy.entropy());
    });
    checker.run("exact log-marginals", [&] { return check_marginals(energy, all ? &*all : nullptr, partial); });
    checker.run("log-marginals agree with one another", [&] { return check_marginal_sums(energy, partial); });
    checker.run("reference samples", [&] { return check_samples(energy, all ? &*all : nullptr); });
}

}  // namespace marginalia
