// What changes of log f when one site does: the conditionals of single sites and the differences that chains use.
#include <algorithm>
#include <cmath>

#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"

namespace marginalia {
namespace {

constexpr std::size_t local_rows_tried = 32;
constexpr std::size_t sites_tried = 4;      // of each row
constexpr double local_tolerance = 1e-6;    // relative to log f, of which these are differences
constexpr double least_correlation = 0.25;  // of differences to first order with the true ones

// log f of the state with `site` set to each of its values.
std::vector<double> values_at(const Energy& energy, State x, std::size_t site) {
    std::vector<std::uint8_t> changed(x.begin(), x.end());
    std::vector<double> values(static_cast<std::size_t>(energy.categories()));
    for (std::size_t k = 0; k < values.size(); ++k) {
        changed[site] = static_cast<std::uint8_t>(k);
        values[k] = energy.log_density(changed);
    }
    return values;
}

// Calls visit(row, state, site, values_at) for some sites of some rows, all sites being met in turn.
template <class Visit>
void for_some(const TriedEnergy& tried, const Visit& visit) {
    const std::size_t rows = std::min(local_rows_tried, tried.full.size());
    const std::size_t step = std::max<std::size_t>(1, tried.full.width / 3);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t row = i * tried.full.size() / rows;
        for (std::size_t j = 0; j < std::min(sites_tried, tried.full.width); ++j) {
            const std::size_t site = (i + j * step) % tried.full.width;
            visit(row, tried.full[row], site, values_at(tried.energy, tried.full[row], site));
        }
    }
}

// Whether a - b is the difference of two values of log f.
bool is_difference(double offered, double a, double b) {
    if (!std::isfinite(a) || !std::isfinite(offered)) return offered == a - b;
    return std::abs(offered - (a - b)) <= local_tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

std::string check_site_densities(const TriedEnergy& tried) {
    std::size_t compared = 0;
    for_some(tried, [&](std::size_t, State x, std::size_t site, const std::vector<double>& right) {
        Guarded<double> buffer(right.size(), std::nan(""));
        tried.energy.site_log_densities(x, static_cast<std::int64_t>(site), buffer.span());
        buffer.expect_intact("site_log_densities");
        const auto offered = buffer.span();
        const auto likeliest = static_cast<std::size_t>(std::max_element(right.begin(), right.end()) - right.begin());
        for (std::size_t k = 0; k < right.size(); ++k) {
            expect(!std::isnan(offered[k]) && offered[k] < HUGE_VAL,
                   "site_log_densities gives " + digits(offered[k]) + " for symbol " + std::to_string(k) + " of site " +
                       std::to_string(site) + "; fill in a number or -infinity for every symbol");
            if (right[likeliest] == -HUGE_VAL) continue;
            expect(is_difference(offered[k] - offered[likeliest], right[k], right[likeliest]),
                   "site_log_densities of " + shortened(tried.energy.text(x)) + " says that symbol " +
                       std::to_string(k) + " in place of " + std::to_string(likeliest) + " at site " +
                       std::to_string(site) + " changes log f by " + digits(offered[k] - offered[likeliest]) +
                       "; log_density changes by " + digits(right[k] - right[likeliest]) +
                       "; count every term that holds the site");
            ++compared;
        }
    });
    const State x = tried.full[0];
    Guarded<double> buffer(static_cast<std::size_t>(tried.energy.categories()), 0);
    const std::span<double> out = buffer.span();
    std::int64_t site = 0;
    const double of_site = seconds_of([&] {
        tried.energy.site_log_densities(x, site, out);
        site = (site + 1) % tried.energy.sites();
    });
    const double of_state = seconds_of([&] { out[0] = tried.energy.log_density(x); });
    return std::to_string(compared) + " values agree with log_density; a site costs " + rounded(of_site / of_state) +
           " of a log_density";
}

// Offered differences beside the true ones.
struct Differences {
    std::vector<double> offered, right;
    double furthest = 0;
    bool exact = true;

    // Pearson's; 0 where one of them does not vary.
    double correlation() const {
        const auto count = static_cast<double>(right.size());
        double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
        for (std::size_t i = 0; i < right.size(); ++i) x += offered[i] / count, y += right[i] / count;
        for (std::size_t i = 0; i < right.size(); ++i) {
            xx += (offered[i] - x) * (offered[i] - x);
            yy += (right[i] - y) * (right[i] - y);
            xy += (offered[i] - x) * (right[i] - y);
        }
        return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
    }
};

void compare_site(const TriedEnergy& tried, State x, std::size_t site, std::span<const double> offered,
                  const std::vector<double>& right, Differences& all) {
    for (std::size_t k = 0; k < right.size(); ++k) {
        const std::string which = "differences of " + shortened(tried.energy.text(x)) + " at site " +
                                  std::to_string(site) + ", symbol " + std::to_string(k);
        expect(!std::isnan(offered[k]) && offered[k] < HUGE_VAL,
               which + ": " + digits(offered[k]) + "; fill in a number or -infinity for every site and symbol");
        expect(k != x[site] || offered[k] == 0,
               which + ", which the state has: " + digits(offered[k]) + "; the difference to itself is 0");
        if (k == x[site]) continue;
        all.exact = all.exact && is_difference(offered[k], right[k], right[x[site]]);
        if (!std::isfinite(right[k]) || !std::isfinite(offered[k])) continue;
        all.offered.push_back(offered[k]);
        all.right.push_back(right[k] - right[x[site]]);
        all.furthest = std::max(all.furthest, std::abs(all.offered.back() - all.right.back()));
    }
}

// To first order they may be far off, but not beside the point: sampling by them would be slower than blindly.
std::string check_differences(const TriedEnergy& tried) {
    const auto categories = static_cast<std::size_t>(tried.energy.categories());
    Differences all;
    std::size_t states = 0, offering = 0;
    for_some(tried, [&](std::size_t row, State x, std::size_t site, const std::vector<double>& right) {
        if (tried.values[row] == -HUGE_VAL) return;
        Guarded<double> buffer(x.size() * categories, std::nan(""));
        ++states;
        if (!tried.energy.differences(x, buffer.span())) return;
        ++offering;
        buffer.expect_intact("differences");
        compare_site(tried, x, site, buffer.span().subspan(site * categories, categories), right, all);
    });
    if (offering == 0) throw NotApplicable{"not offered"};
    expect(offering == states, "differences are not offered for " + std::to_string(states - offering) + " of " +
                                   std::to_string(states) + " states; offer them for all or for none");
    if (all.exact) return "exact, for " + std::to_string(all.right.size()) + " states that differ at one site";
    const std::string figures = "correlation " + rounded(all.correlation()) + " with the true ones, the furthest " +
                                rounded(all.furthest) + " nats off";
    expect(all.correlation() >= least_correlation,
           "differences have " + figures + "; they are log f(x with x_d = k) - log f(x), exactly or to first order");
    return "to first order: " + figures;
}

}  // namespace

void check_energy_local(const TriedEnergy& tried, Checker& checker) {
    checker.run("conditionals of single sites", [&] { return check_site_densities(tried); });
    checker.run("differences to neighbouring states", [&] { return check_differences(tried); });
}

}  // namespace marginalia
