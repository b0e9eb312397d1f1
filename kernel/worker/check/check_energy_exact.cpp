#include <algorithm>
#include <cmath>
#include <optional>

#include "kernel/worker/check/chi_square.h"
#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"

namespace marginalia {
namespace {

constexpr double exact_tolerance = 1e-6;  // nats
constexpr std::size_t most_states = 1 << 16;
constexpr std::size_t marginals_tried = 48;
constexpr std::size_t sums_tried = 24;
constexpr std::size_t samples_tried = 200;         // of chains, where samples may be dear
constexpr std::size_t exact_samples_tried = 4000;  // of a small energy, for a histogram

// log sum exp, which no size of the terms over- or underflows; -infinity of nothing.
double log_sum_exp(const std::vector<double>& terms) {
    const double largest = terms.empty() ? -HUGE_VAL : *std::max_element(terms.begin(), terms.end());
    if (largest == -HUGE_VAL) return largest;
    double sum = 0;
    for (const double term : terms) sum += std::exp(term - largest);
    return largest + std::log(sum);
}

// All states of a small energy with their probabilities.
struct Enumeration {
    StateTable states;  // number n holds at site d the digit d of n, lowest first
    std::size_t categories = 0;
    std::vector<double> log_p;
    double log_z = 0;
    double entropy = 0;

    double log_marginal(State partial, std::int64_t unknown) const {
        std::vector<double> terms;
        for (std::size_t row = 0; row < states.size(); ++row) {
            const State x = states[row];
            bool agrees = true;
            for (std::size_t site = 0; site < x.size(); ++site)
                agrees = agrees && (partial[site] == unknown || partial[site] == x[site]);
            if (agrees) terms.push_back(log_p[row]);
        }
        return log_sum_exp(terms);
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
    Guarded<double> buffer(all.states.size(), std::nan(""));
    energy.log_densities(all.states.view(), buffer.span());
    buffer.expect_intact("log_densities of " + std::to_string(all.states.size()) + " rows");
    all.log_p = buffer.values();
    all.log_z = log_sum_exp(all.log_p);
    expect(all.log_z > -HUGE_VAL, "every state has log f = -infinity, so there is no distribution");
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
    if (!offered) throw NotApplicable{"not offered"};
    expect(nearly_equal(*offered, right, exact_tolerance), std::string(what) + " is given as " + digits(*offered) +
                                                               " where enumeration finds " + digits(right) +
                                                               " nats; mend it, or leave it out where it is not known");
    return digits(*offered) + " nats, as enumerated";
}

std::string is_number(std::optional<double> offered) {
    if (!offered) throw NotApplicable{"not offered"};
    expect(std::isfinite(*offered), "it is " + digits(*offered) + "; leave it out where it is not known");
    throw NotApplicable{digits(*offered) + " nats, finite; too many states to enumerate"};
}

std::vector<double> marginals_of(const Energy& energy, States partial) {
    Guarded<double> buffer(partial.size(), std::nan(""));
    const bool offered = energy.log_marginals(partial, buffer.span());
    buffer.expect_intact("log_marginals of " + std::to_string(partial.size()) + " rows");
    if (!offered) throw NotApplicable{"not offered"};
    return buffer.values();
}

std::string check_marginals(const Energy& energy, const Enumeration* all, const StateTable& partial) {
    const States some = partial.view().slice(0, std::min(marginals_tried, partial.size()));
    const auto given = marginals_of(energy, some);
    for (std::size_t row = 0; row < some.size(); ++row) {
        const std::string name =
            "the log-marginal of " + shortened(energy.text(some[row])) + " is given as " + digits(given[row]);
        expect(given[row] <= exact_tolerance, name + "; it must not be above 0");
        if (!all) continue;
        const double right = all->log_marginal(some[row], energy.categories());
        expect(nearly_equal(given[row], right, exact_tolerance),
               name + " where enumeration finds " + digits(right) + "; mend it, or leave it out where it is not known");
    }
    in_threads([&](std::size_t) {
        expect(marginals_of(energy, some) == given,
               "log_marginals gives other values from other threads; it must not change the object");
    });
    return std::to_string(some.size()) + " partial states, also from 8 threads" + (all ? ", as enumerated" : "");
}

// One site of a partial state: the rows with each symbol there and with □.
struct SiteSum {
    std::size_t site = 0;
    std::size_t first_row = 0;  // K + 1 rows from here on

    // Whether the partial state without the site is possible.
    bool check(const Energy& energy, States rows, const std::vector<double>& given) const {
        const auto categories = static_cast<std::size_t>(energy.categories());
        const double without = given[first_row + categories];
        const std::string of = "the marginals of the values of site " + std::to_string(site) + " of " +
                               shortened(energy.text(rows[first_row + categories]));
        double sum = 0;
        for (std::size_t row = first_row; row < first_row + categories; ++row) {
            expect(without > -HUGE_VAL || given[row] == -HUGE_VAL,
                   of + " are not all 0, though the marginal without that site is");
            sum += std::exp(given[row] - without);
        }
        if (without == -HUGE_VAL) return false;
        expect(nearly_equal(sum, 1, exact_tolerance),
               of + " sum to " + digits(sum) + " of the marginal without that site, not to 1");
        return true;
    }
};

// The rows of `sums`, from partial states spread evenly, nothing but □ (the last one) first.
StateTable rows_of_sums(const StateTable& partial, std::uint8_t unknown, std::vector<SiteSum>& sums) {
    StateTable rows{{}, partial.width};
    const std::size_t count = std::clamp<std::size_t>(sums_tried * 8 / (unknown + 1u), 4, sums_tried);
    for (std::size_t i = 0; i < count; ++i) {
        const State base = partial[(partial.size() - 1 + i * partial.size() / count) % partial.size()];
        sums.push_back({i * 7 % partial.width, rows.size()});
        for (int symbol = 0; symbol <= unknown; ++symbol)
            rows.add([&](std::size_t at) { return at == sums.back().site ? symbol : base[at]; });
    }
    return rows;
}

void check_full_marginals(const Energy& energy, const StateTable& partial) {
    const auto log_z = energy.log_z();
    if (!log_z) return;
    StateTable full{{}, partial.width};
    for (std::size_t row = 0; row < std::min(sums_tried, partial.size()); ++row)
        full.add([&](std::size_t site) { return partial[row][site] == energy.categories() ? 0 : partial[row][site]; });
    const auto given = marginals_of(energy, full.view());
    for (std::size_t row = 0; row < full.size(); ++row) {
        const double right = energy.log_density(full[row]) - *log_z;
        expect(nearly_equal(given[row], right, exact_tolerance),
               "the log-marginal of the full state " + shortened(energy.text(full[row])) + " is " + digits(given[row]) +
                   ", not log f - log Z = " + digits(right));
    }
}

// p(nothing known) = 1, p(x) = f(x) / Z, and one site's values sum to the marginal without it.
std::string check_marginal_sums(const Energy& energy, const StateTable& partial) {
    std::vector<SiteSum> sums;
    const auto unknown = static_cast<std::uint8_t>(energy.categories());
    StateTable rows = rows_of_sums(partial, unknown, sums);
    rows.add([&](std::size_t) { return unknown; });
    const auto given = marginals_of(energy, rows.view());
    expect(std::abs(given.back()) < exact_tolerance,
           "the log-marginal of all □ is " + digits(given.back()) + ", not 0");
    const auto possible = std::count_if(sums.begin(), sums.end(),
                                        [&](const SiteSum& sum) { return sum.check(energy, rows.view(), given); });
    check_full_marginals(energy, partial);
    return std::to_string(possible) + " sums over a site, " +
           std::to_string(static_cast<std::ptrdiff_t>(sums.size()) - possible) +
           " states without any; log f - log Z for full states";
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
    if (!samples) throw NotApplicable{"not offered"};
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
        if (!all) throw NotApplicable{"more than 65536 states; give a smaller size to check more"};
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
