// Energies whose sites hold real numbers, against quadrature.
#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <utility>

#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"
#include "kernel/worker/check/variables_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t tried_states = 256, tried_marginals = 24, tried_samples = 2000;
constexpr double tolerance = 1e-6;         // nats, of what is computed twice
constexpr double of_quadrature = 1e-3;     // nats
constexpr double reach = 10, step = 0.04;  // of the grid of numbers, as sites are scaled
constexpr const char* on_grid = " over numbers from -10 to 10, as sites are scaled,";

// Rows of symbols and numbers.
struct MixedTable {
    StateTable symbols;
    std::vector<double> numbers;

    std::span<const double> reals(std::size_t row, std::size_t count = 1) const {
        return std::span(numbers).subspan(row * symbols.width, count * symbols.width);
    }
};

struct Tried {
    const Energy& energy;
    const std::vector<Site> sites;
    MixedTable full = {};
    std::vector<double> values = {};

    std::uint8_t unknown() const { return static_cast<std::uint8_t>(energy.categories()); }
};

// Numbers about 1, and three times as large in every second row.
MixedTable random_rows(const Tried& tried) {
    std::mt19937_64 engine(1);
    std::normal_distribution<double> normal;
    MixedTable table{{{}, tried.sites.size()}, {}};
    for (std::size_t row = 0; row < tried_states; ++row) {
        table.symbols.add([&](std::size_t site) {
            const auto own = static_cast<std::uint64_t>(tried.sites[site].categories);
            return own == 0 ? 0 : engine() % own;
        });
        for (const Site& site : tried.sites)
            table.numbers.push_back(site.is_real() ? normal(engine) * (row % 2 == 0 ? 1 : 3) : 0);
    }
    return table;
}

std::vector<double> log_f_of(const Energy& energy, const MixedTable& table) {
    Guarded<double> buffer(table.symbols.size(), std::nan(""));
    energy.mixed_log_densities(table.symbols.view(), table.numbers, buffer.span());
    buffer.expect_intact("mixed_log_densities of " + std::to_string(table.symbols.size()) + " rows");
    return buffer.values();
}

std::vector<double> marginals_of(const Energy& energy, const MixedTable& table) {
    Guarded<double> buffer(table.symbols.size(), std::nan(""));
    const bool offered = energy.mixed_log_marginals(table.symbols.view(), table.numbers, buffer.span());
    buffer.expect_intact("mixed_log_marginals of " + std::to_string(table.symbols.size()) + " rows");
    if (!offered) throw NotApplicable{"not offered"};
    return buffer.values();
}

std::string row_name(std::size_t row) { return "row " + std::to_string(row) + " of the random states"; }

std::vector<std::size_t> real_sites_of(const Tried& tried) {
    std::vector<std::size_t> real;
    for (std::size_t d = 0; d < tried.sites.size(); ++d)
        if (tried.sites[d].is_real()) real.push_back(d);
    return real;
}

std::string check_sites(const Tried& tried) {
    expect(static_cast<std::int64_t>(tried.sites.size()) == tried.energy.sites(),
           "site_list() has " + std::to_string(tried.sites.size()) + " entries for " +
               std::to_string(tried.energy.sites()) + " sites; give one for each");
    for (const Site& site : tried.sites) {
        expect(site.categories >= 0 && site.categories <= tried.energy.categories(),
               "site_list() has a site of " + std::to_string(site.categories) +
                   " symbols; give 0 for a real number, or "
                   "at most " +
                   std::to_string(tried.energy.categories()));
        expect(std::isfinite(site.centre) && std::isfinite(site.scale) && site.scale > 0,
               "site_list() has a site with the centre " + digits(site.centre) + " and the scale " +
                   digits(site.scale) + "; both must be finite and the scale above 0");
    }
    check_layout(tried.energy);
    return std::to_string(tried.sites.size()) + " sites, " + std::to_string(real_sites_of(tried).size()) +
           " of them real numbers";
}

std::string check_values(Tried& tried) {
    tried.values = log_f_of(tried.energy, tried.full);
    std::size_t impossible = 0;
    for (std::size_t row = 0; row < tried.values.size(); ++row) {
        expect(tried.values[row] < HUGE_VAL,
               "log f of " + row_name(row) + " is " + digits(tried.values[row]) + "; it must be finite or -infinity");
        impossible += tried.values[row] == -HUGE_VAL;
    }
    return std::to_string(tried.values.size()) + " random states, " + std::to_string(impossible) + " of them -infinity";
}

std::string check_rows_alone(const Tried& tried) {
    for (std::size_t row = tried.values.size(); row-- > 0;) {
        double value = std::nan("");
        tried.energy.mixed_log_densities(tried.full.symbols.view().slice(row, 1), tried.full.reals(row), {&value, 1});
        expect(nearly_equal(value, tried.values[row], tolerance),
               "log f of " + row_name(row) + " is " + digits(tried.values[row]) + " in a batch and " + digits(value) +
                   " alone and later; make them the same");
    }
    return "once more, one by one";
}

std::string check_observables(const Tried& tried) {
    const auto observables = tried.energy.observables();
    if (observables.empty()) throw NotApplicable{"none"};
    std::string names;
    for (const Observable& observable : observables) names += (names.empty() ? "" : ", ") + observable.name;
    for (std::size_t row = 0; row < tried.full.symbols.size(); ++row) {
        Guarded<double> buffer(observables.size(), -HUGE_VAL);
        tried.energy.mixed_observe(tried.full.symbols[row], tried.full.reals(row), buffer.span());
        buffer.expect_intact("observing a state");
        for (const double value : buffer.span())
            expect(std::isfinite(value) || std::isnan(value),
                   "an observable of " + row_name(row) + " is " + digits(value) + "; fill in every value");
    }
    return names;
}

// The row with some real sites, one or two, on a grid of numbers.
MixedTable grid_of(const Tried& tried, const std::vector<std::uint8_t>& symbols, std::span<const double> numbers,
                   const std::vector<std::size_t>& moving) {
    const auto points = static_cast<std::size_t>(2 * reach / step) + 1;
    MixedTable table{{{}, tried.sites.size()}, {}};
    const std::size_t rows = moving.size() == 1 ? points : points * points;
    for (std::size_t row = 0; row < rows; ++row) {
        table.symbols.bytes.insert(table.symbols.bytes.end(), symbols.begin(), symbols.end());
        table.numbers.insert(table.numbers.end(), numbers.begin(), numbers.end());
        for (std::size_t i = 0; i < moving.size(); ++i) {
            const std::size_t place = row * tried.sites.size() + moving[i],
                              point = i == 0 ? row % points : row / points;
            table.symbols.bytes[place] = 0;
            table.numbers[place] = -reach + step * static_cast<double>(point);
        }
    }
    return table;
}

// log of the integral of a density by its logarithms on such a grid.
double log_integral(const std::vector<double>& logs, std::size_t dimensions) {
    const double largest = *std::max_element(logs.begin(), logs.end());
    double sum = 0;
    for (const double log : logs) sum += std::exp(log - largest);
    return largest + std::log(sum) + static_cast<double>(dimensions) * std::log(step);
}

std::string integrated(double found, double right, const std::string& what) {
    expect(std::abs(found - right) < of_quadrature, what + " is " + digits(right) + " nats where quadrature" + on_grid +
                                                        " finds " + digits(found) +
                                                        "; mend it, or the scale where numbers are not about 1");
    return digits(right) + " nats, as by quadrature";
}

std::string check_log_z(const Tried& tried) {
    const auto log_z = tried.energy.log_z();
    if (!log_z) throw NotApplicable{"not offered"};
    expect(std::isfinite(*log_z), "log Z is " + digits(*log_z) + "; leave it out where it is not known");
    const std::vector<std::size_t> real = real_sites_of(tried);
    if (real.size() != tried.sites.size() || real.size() > 2)
        throw NotApplicable{digits(*log_z) + " nats, finite; more than two numbers to integrate over"};
    const MixedTable grid = grid_of(tried, std::vector<std::uint8_t>(real.size()), tried.full.reals(0), real);
    return integrated(log_integral(log_f_of(tried.energy, grid), real.size()), *log_z, "log Z");
}

// Single numbers and a pair of them: densities of integral 1.
std::string check_integrals(const Tried& tried) {
    const std::vector<std::uint8_t> blank(tried.sites.size(), tried.unknown());
    const std::vector<std::size_t> real = real_sites_of(tried);
    std::vector<std::vector<std::size_t>> sets;
    for (std::size_t i = 0; i < std::min<std::size_t>(real.size(), 4); ++i) sets.push_back({real[i]});
    if (real.size() > 1) sets.push_back({real.front(), real.back()});
    for (const auto& set : sets) {
        const std::vector<double> logs = marginals_of(tried.energy, grid_of(tried, blank, tried.full.reals(0), set));
        const double log_mass = log_integral(logs, set.size());
        expect(std::abs(log_mass) < of_quadrature, "the marginal of site " + std::to_string(set[0]) +
                                                       (set.size() > 1 ? " and site " + std::to_string(set[1]) : "") +
                                                       " integrates to " + digits(std::exp(log_mass)) + on_grid +
                                                       " not to 1; mend it, or the scale where numbers are not "
                                                       "about 1");
    }
    return std::to_string(sets.size()) + " densities of one or two numbers integrate to 1";
}

// p(x_S) is the integral of p(x_S, x_d) over x_d.
std::string check_one_more(const Tried& tried) {
    std::mt19937_64 engine(2);
    const std::vector<std::size_t> real = real_sites_of(tried);
    for (std::size_t row = 0; row < tried_marginals; ++row) {
        std::vector<std::uint8_t> symbols(tried.full.symbols[2 * row].begin(), tried.full.symbols[2 * row].end());
        for (std::uint8_t& symbol : symbols)
            if (engine() % 2 == 0) symbol = tried.unknown();
        const std::size_t site = real[engine() % real.size()];
        symbols[site] = tried.unknown();
        const auto numbers = tried.full.reals(2 * row);
        const MixedTable without{{symbols, symbols.size()}, {numbers.begin(), numbers.end()}};
        const double right = marginals_of(tried.energy, without)[0];
        if (right == -HUGE_VAL) continue;
        const std::vector<double> logs = marginals_of(tried.energy, grid_of(tried, symbols, numbers, {site}));
        integrated(log_integral(logs, 1), right,
                   "the log-marginal of a part of " + row_name(2 * row) + " without site " + std::to_string(site));
    }
    return std::to_string(tried_marginals) + " partial states, integrated over one more number";
}

std::string check_ends(const Tried& tried) {
    MixedTable blank{{std::vector<std::uint8_t>(tried.sites.size(), tried.unknown()), tried.sites.size()},
                     std::vector<double>(tried.sites.size(), 0.0)};
    expect(std::abs(marginals_of(tried.energy, blank)[0]) < tolerance, "the log-marginal of all □ is not 0");
    const std::vector<double> full = marginals_of(tried.energy, tried.full);
    const auto log_z = tried.energy.log_z();
    for (std::size_t row = 0; log_z && row < full.size(); ++row)
        expect(nearly_equal(full[row], tried.values[row] - *log_z, tolerance),
               "the log-marginal of " + row_name(row) + ", a full state, is " + digits(full[row]) +
                   ", not log f - log Z = " + digits(tried.values[row] - *log_z));
    return "0 of nothing" + std::string(log_z ? ", log f - log Z of full states" : "");
}

// The largest distance of two distribution functions (Kolmogorov and Smirnov), of a site's numbers and its marginal.
double distance_of(const Tried& tried, std::size_t site, std::vector<double> numbers) {
    const std::vector<std::uint8_t> blank(tried.sites.size(), tried.unknown());
    const MixedTable grid = grid_of(tried, blank, tried.full.reals(0), {site});
    const std::vector<double> logs = marginals_of(tried.energy, grid);
    std::sort(numbers.begin(), numbers.end());
    double sum = 0, worst = 0;
    for (std::size_t point = 0; point < logs.size(); ++point) {
        const double density = std::exp(logs[point]) * step, middle = sum + density / 2;
        const auto below = std::upper_bound(numbers.begin(), numbers.end(), grid.reals(point)[site]) - numbers.begin();
        worst = std::max(worst, std::abs(middle - static_cast<double>(below) / static_cast<double>(numbers.size())));
        sum += density;
    }
    return worst;
}

std::string check_samples(const Tried& tried) {
    const auto samples = tried.energy.reference_samples(tried_samples, 1);
    if (!samples) throw NotApplicable{"not offered"};
    const std::size_t width = tried.sites.size();
    expect(samples->rows.size() == tried_samples * width && samples->reals.size() == samples->rows.size(),
           "asked for " + std::to_string(tried_samples) + " samples, reference_samples gave " +
               std::to_string(samples->rows.size()) + " bytes and " + std::to_string(samples->reals.size()) +
               " numbers; give one of each for every site");
    expect(!samples->how.empty(), "the samples do not say how they were drawn; fill in ReferenceSamples::how");
    expect(tried.energy.reference_samples(tried_samples, 1)->reals == samples->reals,
           "the same seed gave other samples; draw from a generator seeded by `seed` alone");
    for (const double value : log_f_of(tried.energy, {{samples->rows, width}, samples->reals}))
        expect(std::isfinite(value), "a sample has log f = " + digits(value) + "; no such state may be drawn");
    if (!samples->exact) return samples->how;
    double worst = 0;
    for (const std::size_t site : real_sites_of(tried)) {
        std::vector<double> numbers;
        for (std::size_t row = 0; row < tried_samples; ++row) numbers.push_back(samples->reals[row * width + site]);
        worst = std::max(worst, distance_of(tried, site, numbers));
        if (site > 8) break;
    }
    // 2.8 / sqrt(n) has a probability of 3e-7; the grid adds half a step's mass.
    expect(worst < 2.8 / std::sqrt(static_cast<double>(tried_samples)) + step,
           "the samples are said to be exact, but a site's distribution function is " + digits(worst) +
               " away from that of its marginal; mend them, or set exact = false");
    return samples->how + "; distribution functions within " + rounded(worst) + " of the marginals'";
}

std::string check_threads(const Tried& tried) {
    in_threads([&](std::size_t) {
        expect(log_f_of(tried.energy, tried.full) == tried.values,
               "log f is another one from other threads; it must not change the object");
    });
    return std::to_string(thread_count) + " at once, every value the same to the last bit";
}

std::string measure_speed(const Tried& tried) {
    const double seconds = seconds_of([&] { log_f_of(tried.energy, tried.full); });
    return rounded(static_cast<double>(tried_states) / seconds) + " states/s on one core";
}

}  // namespace

void check_energy_of_reals(const EnergyMaker& make, Checker& checker) {
    const std::unique_ptr<const Energy> energy = make();
    Tried tried{*energy, energy->site_list()};
    if (!checker.run("sites and layout", [&] { return check_sites(tried); })) return;
    tried.full = random_rows(tried);
    if (!checker.run("log f is a number or -infinity", [&] { return check_values(tried); }))
        return checker.leave_out("whatever compares with log f", "mend mixed_log_densities first");
    checker.run("the same state has the same log f", [&] { return check_rows_alone(tried); });
    checker.run("two energies made alike agree", [&] {
        expect(log_f_of(*make(), tried.full) == tried.values,
               "another energy made from the same parameters has another log f; draw random couplings from a seed "
               "parameter");
        return "same parameters, same log f";
    });
    checker.run("observables are numbers", [&] { return check_observables(tried); });
    checker.run("log Z", [&] { return check_log_z(tried); });
    checker.run("log-marginals of nothing and of full states", [&] { return check_ends(tried); });
    checker.run("marginals of one and two numbers", [&] { return check_integrals(tried); });
    checker.run("log-marginals agree with one another", [&] { return check_one_more(tried); });
    checker.run("reference samples", [&] { return check_samples(tried); });
    checker.run("speed", [&] { return measure_speed(tried); });
    checker.run("threads do not disturb one another", [&] { return check_threads(tried); });
}

}  // namespace marginalia
