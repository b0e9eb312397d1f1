#include "torus_sum.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace ising {
namespace {

// The imaginary part carries the derivative by the coupling, times `tiny`: exact, as nothing is subtracted.
using Dual = std::complex<double>;
constexpr double tiny = 1e-20;

// One of the four products: sign * exp(log). Momenta are whole multiples of 2 pi / extent or, antiperiodic, those and a
// half.
struct Product {
    double sign = 1;
    Dual log = 0;
};

struct Weights {
    Dual bond;  // t (1 - t^2), t = tanh |coupling|
    Dual gap;   // 1 - 2 t - t^2, which vanishes at the critical coupling
};

// Product over the momenta of both directions, that of `length` by 2 cosh(length g) -+ 2 = (exp(length g / 2) -+
// exp(-length g / 2))^2, where 4 sinh^2(g / 2) is what the other momentum leaves.
Product product_over(const Weights& weights, std::int64_t extent, bool extent_anti, std::int64_t length,
                     bool length_anti) {
    const auto lines = static_cast<double>(length);
    Product product;
    for (std::int64_t i = 0; i < extent; ++i) {
        const double half_momentum =
            std::numbers::pi * (static_cast<double>(i) + (extent_anti ? 0.5 : 0.0)) / static_cast<double>(extent);
        const double sine = std::sin(half_momentum);
        const Dual root = i == 0 && !extent_anti
                              ? weights.gap  // with its sign
                              : std::sqrt(weights.gap * weights.gap + 4 * sine * sine * weights.bond);
        Dual g = 2.0 * std::asinh(root / (2.0 * std::sqrt(weights.bond)));
        if (g.real() < 0) {
            g = -g;
            if (!length_anti) product.sign = -product.sign;
        }
        const Dual back = std::exp(-lines * g);
        product.log += 0.5 * lines * (std::log(weights.bond) + g) + std::log(length_anti ? 1.0 + back : 1.0 - back);
    }
    return product;
}

}  // namespace

std::optional<TorusSum> sum_over_torus(const Lattice& lattice) {
    const std::int64_t extent = std::min(lattice.rows, lattice.columns);
    const std::int64_t length = std::max(lattice.rows, lattice.columns);
    if (lattice.boundary != Boundary::torus || extent < 3 || lattice.field != 0) return std::nullopt;
    const auto sites = static_cast<double>(lattice.sites());
    if (lattice.coupling == 0) return TorusSum{sites * std::numbers::ln2, 0, sites * std::numbers::ln2};
    const Dual coupling{std::abs(lattice.coupling), tiny};
    const Dual t = std::tanh(coupling);
    const Weights weights{t * (1.0 - t * t), 1.0 - 2.0 * t - t * t};

    // Turning every other spin makes the coupling positive; across an odd extent it makes periodic antiperiodic.
    const bool negative = lattice.coupling < 0;
    const bool turned_extent = negative && extent % 2 == 1, turned_length = negative && length % 2 == 1;
    std::vector<Product> products;
    for (const bool extent_anti : {false, true})
        for (const bool length_anti : {false, true}) {
            products.push_back(product_over(weights, extent, extent_anti, length, length_anti));
            if (extent_anti == turned_extent && length_anti == turned_length)
                products.back().sign = -products.back().sign;
        }
    double largest = products.front().log.real();
    for (const Product& product : products) largest = std::max(largest, product.log.real());
    Dual sum = 0;
    for (const Product& product : products) sum += product.sign * std::exp(product.log - largest);
    constexpr double least_left = 1e-6;
    if (!(sum.real() > least_left)) return std::nullopt;

    const Dual log_z =
        sites * (std::numbers::ln2 + 2.0 * std::log(std::cosh(coupling))) + std::log(sum / 2.0) + largest;
    const double edge_sum = log_z.imag() / tiny * (negative ? -1 : 1);
    return TorusSum{log_z.real(), edge_sum, log_z.real() - lattice.coupling * edge_sum};
}

}  // namespace ising
