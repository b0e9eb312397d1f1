#include <chrono>
#include <cmath>

#include "kernel/conformance/check.h"
#include "kernel/conformance/energy_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t tried = 256;

std::string row_name(std::size_t row) { return "row " + std::to_string(row); }

std::string check_shape(const Energy& energy) {
    const Layout layout = energy.layout();
    std::int64_t product = 1;
    for (const std::int64_t extent : layout.shape) product *= extent;
    expect(!layout.shape.empty() && product == energy.sites(),
           "the layout's extents multiply to " + std::to_string(product) + ", not to the " +
               std::to_string(energy.sites()) + " sites; make layout().shape multiply to the sites");
    return std::to_string(energy.sites()) + " sites of " + std::to_string(energy.categories()) + " categories";
}

std::string check_text(const Energy& energy, const StateTable& full, const StateTable& partial) {
    const std::string text = energy.text(full[0]);
    for (const std::string& line : {text, energy.text(partial[0])}) {
        expect(!line.empty(), "text() of a state is empty; return one line");
        expect(line.find('\n') == std::string::npos, "text() of a state has a line break; return one line");
    }
    if (text.size() <= 60) return text;
    std::size_t end = 60;
    while ((text[end] & 0xC0) == 0x80) --end;  // not within a character of UTF-8
    return text.substr(0, end) + "...";
}

std::string check_values(const Energy& energy, const StateTable& states, std::vector<double>& values) {
    std::size_t impossible = 0;
    for (std::size_t row = 0; row < states.size(); ++row) {
        const double value = energy.log_density(states[row]);
        const std::string of = "log_density of " + energy.text(states[row]);
        expect(!std::isnan(value), of + " is NaN; return a number or -infinity");
        expect(value < HUGE_VAL, of + " is +infinity; log f must be finite or -infinity");
        impossible += value == -HUGE_VAL;
        values.push_back(value);
    }
    return std::to_string(states.size()) + " states, " + std::to_string(impossible) + " of them impossible (-infinity)";
}

std::string check_batch(const Energy& energy, const StateTable& states, const std::vector<double>& values) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{7}, states.size()}) {
        std::vector<double> batch(count, std::nan(""));
        energy.log_densities(states.view().slice(0, count), batch);
        for (std::size_t row = 0; row < count; ++row)
            expect(nearly_equal(batch[row], values[row], 1e-9),
                   "log_densities of " + std::to_string(count) + " rows gives " + digits(batch[row]) + " for " +
                       row_name(row) + " and log_density " + digits(values[row]) + "; make them the same function");
    }
    return "batches of 1, 7 and " + std::to_string(states.size());
}

std::string check_repeat(const Energy& energy, const StateTable& states, const std::vector<double>& values) {
    const auto compare = [&] {
        for (std::size_t row = 0; row < states.size(); ++row) {
            const double again = energy.log_density(states[row]);
            expect(again == values[row], "log_density of the same state (" + row_name(row) + ") gave " +
                                             digits(values[row]) + " first and " + digits(again) +
                                             " later; it must not change the object nor draw random numbers");
        }
    };
    compare();
    in_threads(compare);
    return "once more, and from four threads at a time";
}

std::string check_partial(const Energy& energy, const StateTable& full, const StateTable& partial,
                          const std::vector<double>& values) {
    if (!energy.partial_log_density(full[0])) return "not offered";
    for (std::size_t row = 0; row < full.size(); ++row) {
        const auto value = energy.partial_log_density(full[row]);
        expect(value.has_value(), "partial_log_density is offered for some states only; offer it for all or none");
        expect(nearly_equal(*value, values[row], 1e-9), "partial_log_density of a full state is " + digits(*value) +
                                                            " where log_density is " + digits(values[row]));
        const auto estimate = energy.partial_log_density(partial[row]);
        expect(estimate && !std::isnan(*estimate) && *estimate < HUGE_VAL,
               "partial_log_density of " + energy.text(partial[row]) + " is not a number below +infinity");
    }
    return "equals log_density on full states";
}

std::string check_observables(const Energy& energy, const StateTable& states, const std::vector<double>& values) {
    const auto observables = energy.observables();
    std::string names;
    std::vector<double> observed(observables.size());
    for (std::size_t i = 0; i < observables.size(); ++i) {
        expect(!observables[i].name.empty(), "observable " + std::to_string(i + 1) + " has no name");
        names += (i > 0 ? ", " : "") + observables[i].name;
    }
    for (std::size_t row = 0; row < states.size(); ++row) {
        if (values[row] == -HUGE_VAL) continue;
        std::fill(observed.begin(), observed.end(), std::nan(""));
        energy.observe(states[row], observed);
        for (std::size_t i = 0; i < observed.size(); ++i)
            expect(std::isfinite(observed[i]),
                   "observable '" + observables[i].name + "' of " + energy.text(states[row]) + " is " +
                       digits(observed[i]) + "; observe() must fill in every value");
    }
    return names.empty() ? "none" : names;
}

std::string measure_rate(const Energy& energy, const StateTable& states) {
    std::vector<double> values(states.size());
    const auto start = std::chrono::steady_clock::now();
    std::size_t done = 0;
    double seconds = 0;
    while (seconds < 0.1) {
        energy.log_densities(states.view(), values);
        done += states.size();
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    return digits(std::round(static_cast<double>(done) / seconds)) + " states per second on one core";
}

}  // namespace

bool nearly_equal(double a, double b, double tolerance) {
    return a == b || std::abs(a - b) <= tolerance * std::max(1.0, std::max(std::abs(a), std::abs(b)));
}

void check_energy(const Energy& energy, Checker& checker) {
    const StateTable full = full_states(energy.sites(), energy.categories(), tried, 1);
    const StateTable partial = partial_states(full, energy.categories(), 2);
    std::vector<double> values;
    checker.run("the layout has as many sites as the energy", [&] { return check_shape(energy); });
    checker.run("a state prints as one line", [&] { return check_text(energy, full, partial); });
    checker.run("log f is a number or -infinity", [&] { return check_values(energy, full, values); });
    if (!checker.results().back().passed) return;  // the rest compares with these values
    checker.run("a batch equals its rows", [&] { return check_batch(energy, full, values); });
    checker.run("the same state has the same log f", [&] { return check_repeat(energy, full, values); });
    checker.run("the partial density", [&] { return check_partial(energy, full, partial, values); });
    checker.run("observables are numbers", [&] { return check_observables(energy, full, values); });
    check_energy_exact(energy, partial, checker);
    checker.run("speed", [&] { return measure_rate(energy, full); });
}

}  // namespace marginalia
