// Sums over all states of one layer of binary units, the other layer summed out in closed form.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rbm {

// sum_i log(1 + exp(a_i)). Factors of at most 2 are multiplied before the logarithm, 512 at a time.
inline double sum_softplus(std::span<const double> inputs) {
    double sum = 0;
    for (std::size_t begin = 0; begin < inputs.size(); begin += 512) {
        double product = 1;
        for (const double a : inputs.subspan(begin, std::min<std::size_t>(512, inputs.size() - begin))) {
            sum += a > 0 ? a : 0;
            product *= 1 + std::exp(-std::abs(a));
        }
        sum += std::log(product);
    }
    return sum;
}

// Units that are enumerated (bias p_i, couplings M_ik to the other layer's units) and the other layer's biases q_k.
struct Layer {
    std::vector<double> bias;
    std::vector<double> couplings;  // (units, others)
    std::vector<double> others;
};

// Calls visit(state, log weight) for every state s of the units, bit i of `state` unit i:
//   log weight = p.s + sum_k log(1 + exp(q_k + sum_i s_i M_ik)).
template <class Visit>
class LayerWalk {
public:
    LayerWalk(const Layer& layer, Visit visit)
        : layer_(layer), visit_(visit), width_(layer.others.size()), inputs_((layer.bias.size() + 1) * width_) {
        std::copy(layer.others.begin(), layer.others.end(), inputs_.begin());
        walk(0, 0, 0);
    }

private:
    // Inputs are summed anew along each branch, so that no rounding error gathers.
    void walk(std::size_t unit, std::uint64_t state, double bias) {
        const double* inputs = inputs_.data() + unit * width_;
        if (unit == layer_.bias.size()) return visit_(state, bias + sum_softplus({inputs, width_}));
        double* next = inputs_.data() + (unit + 1) * width_;
        std::copy_n(inputs, width_, next);
        walk(unit + 1, state, bias);
        for (std::size_t k = 0; k < width_; ++k) next[k] = inputs[k] + layer_.couplings[unit * width_ + k];
        walk(unit + 1, state | std::uint64_t{1} << unit, bias + layer_.bias[unit]);
    }

    const Layer& layer_;
    Visit visit_;
    const std::size_t width_;
    std::vector<double> inputs_;  // a row for each depth of the walk
};

}  // namespace rbm
