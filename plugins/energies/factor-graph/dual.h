// Numbers with their derivative by one parameter, which is exact, as nothing is subtracted for it.
#pragma once

#include <cmath>
#include <type_traits>

namespace factor_graph {

struct Dual {
    double value = 0, slope = 0;

    constexpr Dual() = default;
    constexpr Dual(double value, double slope = 0) : value(value), slope(slope) {}

    constexpr Dual& operator+=(Dual b) { return *this = {value + b.value, slope + b.slope}; }
    constexpr Dual& operator-=(Dual b) { return *this = {value - b.value, slope - b.slope}; }
    friend constexpr Dual operator+(Dual a, Dual b) { return a += b; }
    friend constexpr Dual operator-(Dual a, Dual b) { return a -= b; }
    friend constexpr Dual operator*(Dual a, Dual b) {
        return {a.value * b.value, a.slope * b.value + a.value * b.slope};
    }
    friend constexpr Dual operator/(Dual a, Dual b) {
        const double ratio = a.value / b.value;
        return {ratio, (a.slope - ratio * b.slope) / b.value};
    }
};

inline Dual exp(Dual a) { return {std::exp(a.value), std::exp(a.value) * a.slope}; }
inline Dual log(Dual a) { return {std::log(a.value), a.slope / a.value}; }

inline double value_of(double a) { return a; }
inline double value_of(Dual a) { return a.value; }

// A weight of log f, which goes with the factor that Dual's slopes are by: all weights times t, at t = 1, so that the
// slope of log Z is the mean of log f.
template <class Scalar>
Scalar scaled(double weight) {
    if constexpr (std::is_same_v<Scalar, Dual>) return {weight, weight};
    else return weight;
}

}  // namespace factor_graph
