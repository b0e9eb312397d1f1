// One log f, however it is asked for: again, in batches, from many threads, as a partial density.
#include <chrono>
#include <cmath>

#include "kernel/conformance/energy_checks.h"

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
            std::vector<double> batch(count, std::nan(""));
            tried.energy.log_densities(tried.full.view().slice(first, count), batch);
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

void expect_same(const char* method, double again, double first) {
    expect(again == first || (std::isnan(again) && std::isnan(first)),
           std::string(method) + " gave " + digits(again) + " while other threads called it, and " + digits(first) +
               " alone; it must not change the object: keep caches and scratch space local, or behind a lock");
}

// Every thread goes round the same states from another start, so that at any time they are at different ones.
std::string check_threads(const TriedEnergy& tried) {
    const std::size_t rows = tried.full.size();
    std::vector<double> batch(rows), partial;
    tried.energy.log_densities(tried.full.view(), batch);
    for (std::size_t row = 0; row < rows; ++row)
        if (const auto value = tried.energy.partial_log_density(tried.partial[row])) partial.push_back(*value);
    const bool partials = partial.size() == rows;
    in_threads([&](std::size_t thread) {
        std::vector<double> mine(rows);
        const auto start = std::chrono::steady_clock::now();
        do {
            for (std::size_t i = 0; i < rows; ++i) {
                const std::size_t row = (i + thread * rows / thread_count) % rows;
                expect_same("log_density", tried.energy.log_density(tried.full[row]), tried.values[row]);
                if (partials)
                    expect_same("partial_log_density", tried.energy.partial_log_density(tried.partial[row]).value(),
                                partial[row]);
            }
            tried.energy.log_densities(tried.full.view(), mine);
            for (std::size_t row = 0; row < rows; ++row) expect_same("log_densities", mine[row], batch[row]);
        } while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(150));
    });
    return std::to_string(thread_count) + " at once, every value the same to the last bit";
}

std::string check_partial(const TriedEnergy& tried) {
    if (!tried.energy.partial_log_density(tried.full[0])) return "not offered";
    for (std::size_t row = 0; row < tried.full.size(); ++row) {
        const auto value = tried.energy.partial_log_density(tried.full[row]);
        expect(value.has_value(), "partial_log_density is offered for some states only; offer it for all or none");
        expect(nearly_equal(*value, tried.values[row], 1e-9),
               "partial_log_density of the full state " + shortened(tried.energy.text(tried.full[row])) + " is " +
                   digits(*value) + " where log_density is " + digits(tried.values[row]) +
                   "; make them equal on full states");
    }
    for (std::size_t row = 0; row < tried.partial.size(); ++row) {
        const auto estimate = tried.energy.partial_log_density(tried.partial[row]);
        expect(estimate && !std::isnan(*estimate) && *estimate < HUGE_VAL,
               "partial_log_density of " + shortened(tried.energy.text(tried.partial[row])) +
                   " is not a number below +infinity; give an estimate of log sum f over the unknown sites");
    }
    return "equals log_density on full states";
}

}  // namespace

bool check_energy_agreement(const TriedEnergy& tried, Checker& checker) {
    if (!checker.run("the same state has the same log f", [&] { return check_repeat(tried); })) return false;
    checker.run("a batch equals its rows", [&] { return check_batch(tried); });
    checker.run("threads do not disturb one another", [&] { return check_threads(tried); });
    checker.run("the partial density", [&] { return check_partial(tried); });
    return true;
}

}  // namespace marginalia
