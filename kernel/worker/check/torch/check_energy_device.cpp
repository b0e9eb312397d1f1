// An energy's tensors against its bytes.
#include <ATen/ATen.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>

#include <algorithm>
#include <cmath>

#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "kernel/worker/check/torch/wait_check.h"

namespace marginalia {
namespace {

constexpr std::size_t energy_rows = 64;
constexpr std::int64_t rows_tried = 32, sites_tried = 4;  // where conditionals are compared
constexpr std::size_t colours_tried = 8;

// A script in single precision need not round as its single rows do.
double tolerance_of(const Energy& energy) { return energy.rows_per_call() == 0 ? 1e-5 : 1e-9; }

const char* const as_on_host = "; make form() or on_device() the same function";

void compare(const Energy& energy, const StateTable& states, const at::Tensor& values, const char* what,
             double (*right)(const Energy&, State)) {
    expect(values.dim() == 1 && values.size(0) == static_cast<std::int64_t>(states.size()) &&
               values.scalar_type() == at::kDouble,
           std::string(what) + " on a device are not (B) numbers of float64");
    const double* given = values.const_data_ptr<double>();
    for (std::size_t row = 0; row < states.size(); ++row) {
        const double there = right(energy, states[row]);
        expect(nearly_equal(given[row], there, tolerance_of(energy)),
               std::string(what) + " of " + shortened(energy.text(states[row])) + " is " + digits(given[row]) +
                   " on a device and " + digits(there) + " on the host" + as_on_host);
    }
}

double log_density(const Energy& energy, State x) { return energy.log_density(x); }
double partial_log_density(const Energy& energy, State x) { return energy.partial_log_density(x).value(); }

// That every site is in one class.
void check_colours(const DeviceEnergy& device) {
    const at::Tensor sites = std::get<0>(at::cat(device.colours()).sort(0));
    expect(at::equal(sites, at::arange(device.sites())),
           "the colours do not hold every site once; see device_energy.h");
}

// Of one row and site: the values but for a constant that they share.
void compare_site(const Energy& energy, std::vector<std::uint8_t> x, std::int64_t site, const double* given) {
    const std::string of = "the conditional of site " + std::to_string(site) + " of " + shortened(energy.text(x));
    double constant = NAN;
    for (std::int64_t k = 0; k < energy.categories(); ++k) {
        x[static_cast<std::size_t>(site)] = static_cast<std::uint8_t>(k);
        const double right = energy.log_density(x);
        if (right == -HUGE_VAL) {
            expect(given[k] == -HUGE_VAL, of + " allows symbol " + std::to_string(k) +
                                              " on a device, which is impossible on the host" + as_on_host);
            continue;
        }
        if (std::isnan(constant)) constant = right - given[k];
        expect(nearly_equal(given[k] + constant, right, 100 * tolerance_of(energy)),
               of + " on a device changes by other numbers than log f on the host" + as_on_host +
                   ", and its colours such that no term holds two sites of one");
    }
}

// Some rows and sites of a colour, as they are and with the next site of the colour changed, of which they must not
// depend.
void compare_colour(const Energy& energy, const StateTable& states, const at::Tensor& sites, const at::Tensor& values) {
    const std::int64_t count = sites.size(0), categories = energy.categories();
    const std::int64_t* site = sites.const_data_ptr<std::int64_t>();
    const double* given = values.const_data_ptr<double>();
    for (std::int64_t row = 0; row < std::min(rows_tried, values.size(0)); ++row)
        for (std::int64_t i = 0; i < std::min(sites_tried, count); ++i) {
            const std::int64_t at = (row + 3 * i) % count;
            const State symbols = states[static_cast<std::size_t>(row)];
            std::vector<std::uint8_t> x(symbols.begin(), symbols.end());
            compare_site(energy, x, site[at], given + (row * count + at) * categories);
            if (count == 1) continue;
            std::uint8_t& next = x[static_cast<std::size_t>(site[(at + 1) % count])];
            next = static_cast<std::uint8_t>((next + 1) % categories);
            compare_site(energy, x, site[at], given + (row * count + at) * categories);
        }
}

void compare_sites(const Energy& energy, const DeviceEnergy& device, const StateTable& states, const at::Tensor& x) {
    const std::size_t colours = device.colours().size(), tried = std::min(colours_tried, colours);
    for (std::size_t i = 0; i < tried; ++i) {
        const std::size_t colour = i * colours / tried;
        const at::Tensor sites = device.colours()[colour].contiguous();
        const at::Tensor values = device.site_log_densities(x, colour).contiguous();
        expect(values.sizes() == at::IntArrayRef({x.size(0), sites.size(0), energy.categories()}) &&
                   values.scalar_type() == at::kDouble,
               "site_log_densities of a colour are not (B, S, K) numbers of float64");
        compare_colour(energy, states, sites, values);
    }
}

std::string compare_all(const Energy& energy, const DeviceEnergy& device) {
    const StateTable full = full_states(energy.sites(), energy.categories(), energy_rows, 5);
    const at::Tensor x = from_bytes(full.view());
    compare(energy, full, device.log_densities(x), "log f", log_density);
    check_colours(device);
    compare_sites(energy, device, full, x);
    const StateTable partial = partial_states(full, energy.categories(), 6);
    const at::Tensor unknown = from_bytes(partial.view()), of_partial = device.partial_log_densities(unknown);
    if (of_partial.defined()) {
        expect(energy.partial_log_density(partial[0]).has_value(),
               "there are partial densities on a device, and none on the host" + std::string(as_on_host));
        compare(energy, partial, of_partial, "the partial density", partial_log_density);
    }
    const std::size_t colours = device.colours().size();
    return std::to_string(full.size()) + " states; " + std::to_string(colours) +
           (colours == 1 ? " colour" : " colours") + " of sites; " + (of_partial.defined() ? "" : "no ") +
           "partial densities; waits: " + waits_of("log f of a batch and a colour", [&] {
               device.log_densities(x);
               device.site_log_densities(x, 0);
               device.partial_log_densities(unknown);
           });
}

}  // namespace

void check_energy_device(const CheckTarget& target, Checker& checker) {
    checker.run("on a device as on the host", [&]() -> std::string {
        const std::unique_ptr<const Energy> energy(reinterpret_cast<EnergyFactory>(target.factory)(target.params));
        const auto device = device_energy(*energy, at::kCPU);
        if (!device) throw NotApplicable{"not offered"};
        return compare_all(*energy, *device);
    });
}

}  // namespace marginalia
