#include <cmath>
#include <optional>

#include "kernel/conformance/chi_square.h"
#include "kernel/conformance/energy_checks.h"

namespace marginalia {
namespace {

constexpr double tolerance = 1e-6;  // nats
constexpr std::size_t most_states = 1 << 16;
constexpr std::size_t marginals_tried = 48;
constexpr std::size_t samples_tried = 200;         // of chains, where samples may be dear
constexpr std::size_t exact_samples_tried = 4000;  // of a small energy, for a histogram

// All states of a small energy with their probabilities.
struct Enumeration {
    StateTable states;  // number n holds at site d the digit d of n, lowest first
    std::size_t categories = 0;
    std::vector<double> log_p;
    double log_z = 0;
    double entropy = 0;

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
    Enumeration all{std::move(*states), static_cast<std::size_t>(energy.categories()), {}};
    all.log_p.resize(all.states.size());
    energy.log_densities(all.states.view(), all.log_p);
    double largest = -HUGE_VAL, sum = 0;
    for (const double log_f : all.log_p) largest = std::max(largest, log_f);
    expect(largest > -HUGE_VAL, "every state has log f = -infinity, so there is no distribution");
    for (const double log_f : all.log_p) sum += std::exp(log_f - largest);
    all.log_z = largest + std::log(sum);
    double mean_log_f = 0;
    for (double& log_f : all.log_p) {
        if (log_f == -HUGE_VAL) continue;
        mean_log_f += std::exp(log_f - all.log_z) * log_f;
        log_f -= all.log_z;
    }
    all.entropy = all.log_z - mean_log_f;
    return all;
}

std::string compare(const char* what, std::optional<double> offered, double right) {
    if (!offered) return "not offered";
    expect(nearly_equal(*offered, right, tolerance), std::string(what) + " is given as " + digits(*offered) +
                                                         " where enumeration finds " + digits(right) +
                                                         " nats; mend it, or return nullopt");
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
        const std::string name =
            "the log-marginal of " + shortened(energy.text(some[row])) + " is given as " + digits(given[row]);
        expect(given[row] <= tolerance, name + "; it must not be above 0");
        if (!all) continue;
        const double right = all->log_marginal(some[row], energy.categories());
        expect(nearly_equal(given[row], right, tolerance),
               name + " where enumeration finds " + digits(right) + "; mend it, or return false");
    }
    in_threads([&](std::size_t) {
        std::vector<double> again(some.size());
        energy.log_marginals(some, again);
        expect(again == given, "log_marginals gives other values from other threads; it must not change the object");
    });
    return std::to_string(some.size()) + " partial states, also from 8 threads" + (all ? ", as enumerated" : "");
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
    const State full = partial[1 % partial.size()];
    for (const std::uint8_t symbol : full) rows.bytes.push_back(symbol == unknown ? 0 : symbol);
    std::vector<double> given(rows.size());
    if (!energy.log_marginals(rows.view(), given)) return "not offered";

    expect(std::abs(given[0]) < tolerance, "the log-marginal of all □ is " + digits(given[0]) + ", not 0");
    double sum = 0;
    for (int symbol = 0; symbol < unknown; ++symbol) sum += std::exp(given[1 + symbol] - given[1 + unknown]);
    expect(nearly_equal(sum, 1, tolerance),
           "the marginals of one site's values sum to " + digits(sum) + " of the marginal without that site, not to 1");
    if (const auto log_z = energy.log_z()) {
        const double right = energy.log_density(rows[rows.size() - 1]) - *log_z;
        expect(
            nearly_equal(given.back(), right, tolerance),
            "the log-marginal of a full state is " + digits(given.back()) + ", not log f - log Z = " + digits(right));
    }
    return "sum to 1 over a site, log f - log Z for a full state";
}

// Histogram over all states; an independent sample of p* passes.
std::string compare_histogram(const Enumeration& all, States samples) {
    std::vector<double> probabilities;
    for (const double log_p : all.log_p) probabilities.push_back(std::exp(log_p));
    std::vector<std::int64_t> counts(probabilities.size());
    const std::size_t categories = all.categories;
    for (std::size_t row = 0; row < samples.size(); ++row) {
        std::size_t number = 0;
        for (std::size_t site = samples.width; site-- > 0;) number = number * categories + samples[row][site];
        ++counts[number];
    }
    const ChiSquare fit = chi_square(probabilities, counts);
    expect(fit.plausible(), "the samples are said to be exact, but are not distributed as p*: " + fit.text() + " for " +
                                std::to_string(samples.size()) +
                                " samples; mend them, or set exact = false and say how they were drawn");
    return fit.text();
}

std::string check_samples(const Energy& energy, const Enumeration* all) {
    const std::size_t tried = all ? exact_samples_tried : samples_tried;
    auto samples = energy.reference_samples(tried, 1);
    if (!samples) return "not offered";
    const auto width = static_cast<std::size_t>(energy.sites());
    expect(samples->rows.size() == tried * width,
           "asked for " + std::to_string(tried) + " samples, reference_samples gave " +
               std::to_string(samples->rows.size()) + " bytes, not " + std::to_string(tried * width));
    for (const std::uint8_t symbol : samples->rows)
        expect(symbol < energy.categories(), "a sample holds the symbol " + std::to_string(symbol) +
                                                 "; there are only " + std::to_string(energy.categories()) +
                                                 " categories");
    expect(!samples->how.empty(), "the samples do not say how they were drawn; fill in ReferenceSamples::how");
    expect(energy.reference_samples(tried, 1)->rows == samples->rows,
           "the same seed gave other samples; draw from a generator seeded by `seed` alone");
    const States rows{samples->rows, width};
    for (std::size_t row = 0; row < rows.size(); ++row)
        expect(energy.log_density(rows[row]) > -HUGE_VAL, "the sample " + shortened(energy.text(rows[row])) +
                                                              " has log f = -infinity; no such state may be drawn");
    return samples->how + (all && samples->exact ? "; " + compare_histogram(*all, rows) : "");
}

}  // namespace

void check_energy_exact(const Energy& energy, const StateTable& partial, Checker& checker) {
    std::optional<Enumeration> all;
    checker.run("all states of a small instance", [&]() -> std::string {
        all = enumerate(energy);
        if (!all) return "more than 65536 states; give a smaller size to check more";
        return std::to_string(all->states.size()) + " states enumerated";
    });
    checker.run("log Z",
                [&] { return all ? compare("log Z", energy.log_z(), all->log_z) : is_number(energy.log_z()); });
    checker.run("entropy", [&] {
        return all ? compare("the entropy", energy.entropy(), all->entropy) : is_number(energy.entropy());
    });
    checker.run("exact log-marginals", [&] { return check_marginals(energy, all ? &*all : nullptr, partial); });
    checker.run("log-marginals agree with one another", [&] { return check_marginal_sums(energy, partial); });
    checker.run("reference samples", [&] { return check_samples(energy, all ? &*all : nullptr); });
}

}  // namespace marginalia
