// One log f, however it is asked for: again, in batches, as a partial density.
#include <algorithm>
#include <cmath>
#include <optional>

#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"

namespace marginalia {
namespace {

// An energy that computes whole batches, on a GPU or in single precision, need not round as its single rows do.
double batch_tolerance(const Energy& energy) { return energy.rows_per_call() == 0 ? 1e-5 : 1e-9; }

std::string check_batch(const TriedEnergy& tried) {
    const std::size_t all = tried.full.size(), per_call = tried.energy.rows_per_call();
    std::string sizes;
    for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::min(per_call, all), all}) {
        if (count == 0) continue;
        for (const std::size_t first : {std::size_t{0}, all - count}) {
            Guarded<double> buffer(count, std::nan(""));
            tried.energy.log_densities(tried.full.view().slice(first, count), buffer.span());
            buffer.expect_intact("log_densities of " + std::to_string(count) + " rows");
            const auto batch = buffer.span();
            for (std::size_t row = 0; row < count; ++row)
                expect(nearly_equal(batch[row], tried.values[first + row], batch_tolerance(tried.energy)),
                       "log_densities of " + std::to_string(count) + " rows gives " + digits(batch[row]) + " for row " +
                           std::to_string(row) + " and log_density " + digits(tried.values[first + row]) +
                           "; make them the same function");
        }
        sizes += (sizes.empty() ? "" : ", ") + std::to_string(count);
    }
    return "batches of " + sizes + " rows; rows_per_call " + std::to_string(per_call);
}

// The second time in another order, so that what is kept of the state before shows.
std::string check_repeat(const TriedEnergy& tried) {
    for (std::size_t row = tried.full.size(); row-- > 0;) {
        const double again = tried.energy.log_density(tried.full[row]);
        expect(again == tried.values[row], "log_density of the same state (row " + std::to_string(row) + ") gave " +
                                               digits(tried.values[row]) + " first and " + digits(again) +
                                               " later; it must not change the object nor draw random numbers");
    }
    return "once more, in reverse order";
}

std::string check_partial(const TriedEnergy& tried) {
    std::vector<std::optional<double>> of_full, of_partial;
    for (std::size_t row = 0; row < tried.full.size(); ++row)
        of_full.push_back(tried.energy.partial_log_density(tried.full[row]));
    for (std::size_t row = 0; row < tried.partial.size(); ++row)
        of_partial.push_back(tried.energy.partial_log_density(tried.partial[row]));
    const auto missing = std::count(of_full.begin(), of_full.end(), std::nullopt) +
                         std::count(of_partial.begin(), of_partial.end(), std::nullopt);
    const std::size_t all = of_full.size() + of_partial.size();
    if (static_cast<std::size_t>(missing) == all) throw NotApplicable{"not offered"};
    expect(missing == 0, "partial_log_density is not offered for " + std::to_string(missing) + " of " +
                             std::to_string(all) + " states; offer it for all or for none");
    for (std::size_t row = 0; row < of_full.size(); ++row)
        expect(nearly_equal(*of_full[row], tried.values[row], 1e-9),
               "partial_log_density of the full state " + shortened(tried.energy.text(tried.full[row])) + " is " +
                   digits(*of_full[row]) + " where log_density is " + digits(tried.values[row]) +
                   "; make them equal on full states");
    for (std::size_t row = 0; row < of_partial.size(); ++row)
        expect(!std::isnan(*of_partial[row]) && *of_partial[row] < HUGE_VAL,
               "partial_log_density of " + shortened(tried.energy.text(tried.partial[row])) +
                   " is not a number below +infinity; give an estimate of log sum f over the unknown sites");
    return "equals log_density on full states";
}

}  // namespace

bool check_energy_agreement(const TriedEnergy& tried, Checker& checker) {
    if (!checker.run("the same state has the same log f", [&] { return check_repeat(tried); })) return false;
    checker.run("a batch equals its rows", [&] { return check_batch(tried); });
    checker.run("the partial density", [&] { return check_partial(tried); });
    return true;
}

}  // namespace marginalia
