#include <algorithm>
#include <cmath>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"
#include "kernel/worker/check/variables_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t random_states = 256;
constexpr std::size_t step_states = 512;  // of one training step, for figures of speed

std::string check_values(TriedEnergy& tried) {
    std::size_t impossible = 0;
    for (std::size_t row = 0; row < tried.full.size(); ++row) {
        const double value = tried.energy.log_density(tried.full[row]);
        const std::string of = "log_density of " + shortened(tried.energy.text(tried.full[row]));
        expect(!std::isnan(value), of + " is NaN; return a number or -infinity");
        expect(value < HUGE_VAL, of + " is +infinity; log f must be finite or -infinity");
        impossible += value == -HUGE_VAL;
        tried.values.push_back(value);
    }
    return std::to_string(tried.full.size()) + " random, equal and extreme states, " + std::to_string(impossible) +
           " of them -infinity";
}

std::string check_observables(const TriedEnergy& tried) {
    const auto observables = tried.energy.observables();
    if (observables.empty()) throw NotApplicable{"none"};
    std::string names;
    for (std::size_t i = 0; i < observables.size(); ++i) {
        expect(!observables[i].name.empty(), "observable " + std::to_string(i + 1) + " has no name; give it one");
        names += (i > 0 ? ", " : "") + observables[i].name;
    }
    for (std::size_t row = 0; row < tried.full.size(); ++row) {
        if (tried.values[row] == -HUGE_VAL) continue;
        Guarded<double> buffer(observables.size(), -HUGE_VAL);
        tried.energy.observe(tried.full[row], buffer.span());
        buffer.expect_intact("observe");
        const auto observed = buffer.span();
        for (std::size_t i = 0; i < observed.size(); ++i)
            expect(std::isfinite(observed[i]) || std::isnan(observed[i]),
                   "observable '" + observables[i].name + "' of " + shortened(tried.energy.text(tried.full[row])) +
                       " is " + digits(observed[i]) + "; observe() must fill in every value");
    }
    return names;
}

std::string measure_speed(const TriedEnergy& tried) {
    StateTable rows{{}, tried.full.width};
    while (rows.size() < step_states)
        rows.bytes.insert(rows.bytes.end(), tried.full.bytes.begin(), tried.full.bytes.end());
    rows.bytes.resize(step_states * rows.width);
    Guarded<double> values(rows.size(), 0);
    const std::size_t piece = tried.energy.rows_per_call() == 0 ? rows.size() : tried.energy.rows_per_call();
    const double seconds = seconds_of([&] {
        for (std::size_t first = 0; first < rows.size(); first += piece) {
            const std::size_t count = std::min(piece, rows.size() - first);
            tried.energy.log_densities(rows.view().slice(first, count), values.span().subspan(first, count));
        }
    });
    return rounded(step_states / seconds) + " states/s; a step of 512 states: " + rounded(1e3 * seconds) +
           " ms on one core";
}

}  // namespace

bool nearly_equal(double a, double b, double tolerance) {
    if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
    return std::abs(a - b) <= tolerance * std::max(1.0, std::max(std::abs(a), std::abs(b)));
}

void check_energy(const EnergyMaker& make, Checker& checker, const std::function<void()>& on_devices) {
    const std::unique_ptr<const Energy> energy = make();
    const std::vector<Site> sites = energy->site_list();
    if (std::ranges::any_of(sites, &Site::is_real)) return check_energy_of_reals(make, checker);
    TriedEnergy tried{*energy, full_states(energy->sites(), energy->categories(), random_states, 1), {}, {}};
    tried.partial = partial_states(tried.full, energy->categories(), 2);
    checker.run("the layout has as many sites as the energy", [&] { return check_layout(*energy); });
    check_texts(*energy, tried.full, tried.partial, checker);
    if (!checker.run("log f is a number or -infinity", [&] { return check_values(tried); }) ||
        !check_energy_agreement(tried, checker))
        return checker.leave_out("whatever compares with log f", "mend log_density first");
    check_energy_local(tried, checker);
    if (on_devices) on_devices();
    const bool alike = checker.run("two energies made alike agree", [&] {
        const auto other = make();
        for (std::size_t row = 0; row < tried.full.size(); ++row)
            expect(other->log_density(tried.full[row]) == tried.values[row],
                   "another energy made from the same parameters has another log f; draw random couplings from a seed "
                   "parameter");
        return "same parameters, same log f";
    });
    checker.run("observables are numbers", [&] { return check_observables(tried); });
    check_energy_exact(*energy, tried.partial, checker);
    checker.run("speed", [&] { return measure_speed(tried); });
    // Last, since threads that write to one another's memory may leave the process in any state.
    if (alike) checker.run("threads do not disturb one another", [&] { return check_energy_threads(make); });
    else checker.leave_out("threads do not disturb one another", "mend the constructor first");
}

}  // namespace marginalia
