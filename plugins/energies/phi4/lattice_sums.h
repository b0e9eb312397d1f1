// What is known of the scalar field on a torus.
#pragma once

#include <cstddef>
#include <optional>

namespace phi4 {

// log f(φ) = sum over sites of 2 κ φ (φ_right + φ_below) - (1 - 2 λ) φ² - λ φ⁴.
struct Field {
    std::size_t rows, columns;
    double kappa, lambda;
};

// The standard deviation of a site in Hartree's approximation, exact where λ = 0. nullopt: f has no integral.
std::optional<double> deviation_of(const Field& field);

// log Z: of λ = 0 exactly, and with an extent of 1 or 2 by a transfer matrix on a grid of numbers, right to some nine
// digits. nullopt: neither, or numbers so large (a field nearly free and nearly ordered) that the grid is too wide.
std::optional<double> log_z_of(const Field& field);

}  // namespace phi4
