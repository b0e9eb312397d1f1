// Sites that hold real numbers: how states hold them, and what a network's conditionals say of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/energy.h>
#include <marginalia/network.h>

namespace marginalia {

// A state is a row of int64 whatever its sites hold. A site of symbols has 0..K-1. A real one that is known has its
// number as a whole count of steps of 2^-32, less 2^62, which makes it negative. □ is K at either. So x < K says what
// is known, as it does among symbols, and whatever masks, gathers, orders and completes states need not know of real
// numbers. TorchScript reads them as (x + (1 << 62)).to(torch.double) * 2 ** -32. Numbers beyond +-2^29 count as that:
// sites are to be scaled so that numbers are about 1 (Site::scale).
inline constexpr std::int64_t real_zero = -(std::int64_t{1} << 62);
inline constexpr double real_step = 1 / 4294967296.0, most_real = 536870912;

// Numbers of any shape and floating type as real sites have them, and back: float64. Where x has a symbol or □, the
// number is 0.
MARGINALIA_API at::Tensor real_states(const at::Tensor& values);
MARGINALIA_API at::Tensor real_values(const at::Tensor& x);

// The same of one number, which is finite.
inline std::int64_t real_state(double value) {
    return std::llround(std::clamp(value, -most_real, most_real) / real_step) + real_zero;
}
inline double real_value(std::int64_t x) { return static_cast<double>(x - real_zero) * real_step; }

// States x (B, D) int64 on the CPU as energies and datasets have them: symbols, 0 for a known real site and K for □,
// and the numbers of real sites, 0 elsewhere.
struct SplitStates {
    std::vector<std::uint8_t> symbols;  // (B, D)
    std::vector<double> reals;          // (B, D)
    std::size_t width = 0;              // D

    States rows() const { return {symbols, width}; }
    Reals reals_of(std::size_t row) const { return std::span(reals).subspan(row * width, width); }
};
MARGINALIA_API SplitStates split_states(const at::Tensor& x);

// An energy's reference samples as states: (count, D) int64 on the CPU.
MARGINALIA_API at::Tensor joined_states(const Energy& energy, const ReferenceSamples& samples);

// Which sites are real: (D) of bool on `device`; an undefined tensor where none is.
MARGINALIA_API at::Tensor real_sites(const Domain& domain, const at::Device& device);

// The conditionals' numbers (..., W) of a real site are a mixture of C = floor(W / 3) normal densities: the C logits of
// its weights, the C means, and C numbers s of standard deviations exp(s) + least_deviation, so that no density grows
// without bound where a number comes again and again. What is left over has no meaning. Those of a site of symbols are
// W logits.
inline constexpr double least_deviation = 0.001;

// log p_φ(x_d | x_S) of what sites hold: numbers (..., W) in the precision wanted, x (...) -> (...). A density may
// be above 1. Of a □ it is a finite number without meaning, to be left out of the sum. `domain` says whether any site
// is real; where none is this is the log softmax at the symbol.
MARGINALIA_API at::Tensor log_conditional(const Domain& domain, const at::Tensor& numbers, const at::Tensor& x);

// log P(low <= x_d <= high | x_S) of real sites by their numbers (M, W), for low and high (M) float64, which may be
// infinite: (M) float64.
MARGINALIA_API at::Tensor log_probability_between(const at::Tensor& numbers, const at::Tensor& low,
                                                  const at::Tensor& high);

// What sites hold, drawn from numbers (M, W) of these sites (M): (M) int64.
MARGINALIA_API at::Tensor draw_conditional(const Domain& domain, const at::Tensor& numbers, const at::Tensor& site,
                                           at::Generator& generator);

// The same of all sites: numbers (B, D, W) -> (B, D).
MARGINALIA_API at::Tensor draw_conditionals(const Domain& domain, const at::Tensor& numbers, at::Generator& generator);

}  // namespace marginalia
