#include <marginalia/real_energy.h>

#include <cmath>
#include <mutex>

#include "lattice_sums.h"

namespace phi4 {
namespace {

using marginalia::ParameterType;
using marginalia::Reals;

constexpr marginalia::Parameter parameters[] = {
    {.name = "rows",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 1,
     .maximum = 1024,
     .unit = "sites",
     .help = "height of the torus"},
    {.name = "columns",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 1,
     .maximum = 1024,
     .unit = "sites",
     .help = "width of the torus"},
    {.name = "kappa",
     .type = ParameterType::number,
     .fallback = "0.25",
     .minimum = 0,
     .maximum = 10,
     .help = "κ, the hopping parameter"},
    {.name = "lambda",
     .type = ParameterType::number,
     .fallback = "0.022",
     .minimum = 0,
     .maximum = 10,
     .help = "λ, the coupling of φ⁴; 0: a free field"},
};

constexpr const char* manual = R"(The scalar field φ with a φ⁴ potential on a torus of two dimensions, a number a site:

    log f(φ) = sum over sites x of 2 κ φ_x (φ_right of x + φ_below x) - (1 - 2 λ) φ_x² - λ φ_x⁴

The action with a mass, sum over x of (1/2) sum_μ (∇_μ ψ)² + (1/2) m² ψ² + (g/4!) ψ⁴, is this one for ψ = sqrt(2 κ) φ,
m² = (1 - 2 λ) / κ - 4 and g = 6 λ / κ². At λ = 0.022 the field orders at κ of about 0.27: below it φ fluctuates
around 0, above it there are two phases of a magnetisation m = ±|m|.

log Z is exact for a free field (λ = 0, which needs κ < 1/4), and where an extent of the lattice is 1 or 2 by a transfer
matrix on a grid of 32 numbers a site. Otherwise it is not known: give [reference] the chains of `slice`, and compare
`log_z_importance` with an integration over κ (experiments/phi4.md). Each site is scaled by its standard deviation in
Hartree's approximation. Observables: `magnetisation` (the mean m of φ over the sites), `abs_magnetisation` (|m|) and
`square` (the mean of φ²).

References: K. A. Nicoli et al., Estimation of thermodynamic observables in lattice field theories with deep generative
models, Phys. Rev. Lett. 126, 032001 (2021), with this action and λ. M. S. Albergo, G. Kanwar, P. E. Shanahan,
Flow-based generative models for Markov chain Monte Carlo in lattice field theory, Phys. Rev. D 100, 034515 (2019).)";

Field field_of(const marginalia::Params& params) {
    return {static_cast<std::size_t>(params.integer("rows")), static_cast<std::size_t>(params.integer("columns")),
            params.number("kappa"), params.number("lambda")};
}

std::vector<marginalia::Site> sites_of(const Field& field) {
    const auto deviation = deviation_of(field);
    if (!deviation)
        throw marginalia::Error("a free field (lambda = 0) needs kappa below 1/4; with more of it f has no integral");
    return std::vector<marginalia::Site>(field.rows * field.columns, {0, "", {}, 0, *deviation});
}

class Phi4 final : public marginalia::RealEnergy {
public:
    explicit Phi4(const marginalia::Params& params) : Phi4(field_of(params)) {}

    double log_f(Reals y) const override {
        double hopping = 0, potential = 0;
        for (std::size_t row = 0; row < field_.rows; ++row) {
            const std::size_t here = row * field_.columns, below = (row + 1) % field_.rows * field_.columns;
            for (std::size_t column = 0; column < field_.columns; ++column) {
                const double value = y[here + column], square = value * value;
                hopping += value * (y[here + (column + 1) % field_.columns] + y[below + column]);
                potential += square * (1 - 2 * field_.lambda + field_.lambda * square);
            }
        }
        return 2 * field_.kappa * hopping - potential;
    }

    std::optional<double> log_z() const override {
        std::call_once(known_, [this] { log_z_ = log_z_of(field_); });
        return log_z_;
    }

    marginalia::Layout layout() const override {
        return {{static_cast<std::int64_t>(field_.rows), static_cast<std::int64_t>(field_.columns)}, true};
    }

    std::vector<marginalia::Observable> observables() const override {
        return {{"magnetisation", ""}, {"abs_magnetisation", ""}, {"square", ""}};
    }
    void observe_numbers(Reals y, std::span<double> values) const override {
        double sum = 0, squares = 0;
        for (const double value : y) sum += value, squares += value * value;
        const auto count = static_cast<double>(y.size());
        values[0] = sum / count;
        values[1] = std::abs(sum) / count;
        values[2] = squares / count;
    }

private:
    explicit Phi4(const Field& field) : RealEnergy(sites_of(field)), field_(field) {}

    const Field field_;
    mutable std::once_flag known_;
    mutable std::optional<double> log_z_;
};

}  // namespace
}  // namespace phi4

MARGINALIA_ENERGY(phi4::Phi4, "phi4", "scalar field with a φ⁴ potential on a torus", phi4::manual, phi4::parameters);
