#include "restricted_boltzmann.h"

#include <marginalia/npy.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "factor-graph/random.h"
#include "layer_sum.h"

namespace rbm {
namespace {

constexpr std::uint8_t unknown = 2;
constexpr std::size_t most_units = 20;
constexpr double most_terms = 1 << 27;

bool affordable(std::size_t units, std::size_t others) {
    return units <= most_units && std::ldexp(static_cast<double>(others), static_cast<int>(units)) <= most_terms;
}

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

class LogSum {
public:
    void add(double term) {
        if (term > largest_) sum_ = sum_ * std::exp(largest_ - term) + 1, largest_ = term;
        else sum_ += std::exp(term - largest_);
    }
    double value() const { return largest_ + std::log(sum_); }

private:
    double largest_ = -HUGE_VAL, sum_ = 0;
};

std::vector<double> read_bias(const std::string& path, std::size_t units, const char* layer) {
    if (path.empty()) return std::vector<double>(units, 0.0);
    auto array = marginalia::read_npy<double>(path);
    if (array.shape.size() != 1 || array.values.size() != units)
        throw marginalia::Error(path + ": a bias of the " + std::to_string(units) + " " + layer +
                                " units needs the shape (" + std::to_string(units) + "), as the couplings have it");
    return std::move(array.values);
}

void expect_finite(const std::vector<double>& values, const std::string& path) {
    const auto bad = std::find_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
    if (bad != values.end())
        throw marginalia::Error(path + ": element " + std::to_string(bad - values.begin()) +
                                " is not finite; weights must be");
}

// The visible layer's unknown units (`free`), given what is known of the visible ones in the hidden units' inputs.
Layer visible_layer(const Weights& weights, const std::vector<std::size_t>& free, std::vector<double> inputs) {
    Layer layer{{}, {}, std::move(inputs)};
    for (const std::size_t d : free) {
        layer.bias.push_back(weights.visible_bias[d]);
        const auto row = weights.couplings.begin() + static_cast<std::ptrdiff_t>(d * weights.hidden);
        layer.couplings.insert(layer.couplings.end(), row, row + static_cast<std::ptrdiff_t>(weights.hidden));
    }
    return layer;
}

Layer hidden_layer(const Weights& weights, const std::vector<std::size_t>& free, std::vector<double> inputs) {
    Layer layer{std::move(inputs), {}, {}};
    for (const std::size_t d : free) layer.others.push_back(weights.visible_bias[d]);
    for (std::size_t j = 0; j < weights.hidden; ++j)
        for (const std::size_t d : free) layer.couplings.push_back(weights.couplings[d * weights.hidden + j]);
    return layer;
}

std::vector<std::size_t> all_units(std::size_t count) {
    std::vector<std::size_t> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i] = i;
    return all;
}

}  // namespace

Weights read_weights(const std::string& couplings, const std::string& visible_bias, const std::string& hidden_bias) {
    const auto array = marginalia::read_npy<double>(couplings);
    if (array.shape.size() != 2 || array.values.empty())
        throw marginalia::Error(couplings + ": the couplings have " + std::to_string(array.shape.size()) +
                                " axes or are empty; their shape is (hidden units, visible units)");
    Weights weights;
    weights.hidden = static_cast<std::size_t>(array.shape[0]);
    weights.visible = static_cast<std::size_t>(array.shape[1]);
    for (std::size_t d = 0; d < weights.visible; ++d)
        for (std::size_t j = 0; j < weights.hidden; ++j)
            weights.couplings.push_back(array.values[j * weights.visible + d]);
    weights.visible_bias = read_bias(visible_bias, weights.visible, "visible");
    weights.hidden_bias = read_bias(hidden_bias, weights.hidden, "hidden");
    expect_finite(array.values, couplings);
    expect_finite(weights.visible_bias, visible_bias);
    expect_finite(weights.hidden_bias, hidden_bias);
    return weights;
}

std::vector<double> Machine::hidden_inputs(marginalia::State v, double at_unknown) const {
    std::vector<double> inputs = weights_.hidden_bias;
    for (std::size_t d = 0; d < weights_.visible; ++d) {
        if (v[d] == 0 || (v[d] == unknown && at_unknown == 0)) continue;
        const double factor = v[d] == unknown ? at_unknown : 1;
        const double* row = weights_.couplings.data() + d * weights_.hidden;
        for (std::size_t j = 0; j < weights_.hidden; ++j) inputs[j] += factor * row[j];
    }
    return inputs;
}

double Machine::log_f(marginalia::State v) const {
    double sum = sum_softplus(hidden_inputs(v, 0.5));
    for (std::size_t d = 0; d < weights_.visible; ++d)
        sum += v[d] == unknown ? std::numbers::ln2 + weights_.visible_bias[d] / 2 : v[d] * weights_.visible_bias[d];
    return sum;
}

void Machine::site_log_f(marginalia::State v, std::size_t d, std::span<double> out) const {
    std::vector<double> inputs = hidden_inputs(v, 0);
    const double* row = weights_.couplings.data() + d * weights_.hidden;
    const auto change = [&](double sign) {
        for (std::size_t j = 0; j < weights_.hidden; ++j) inputs[j] += sign * row[j];
    };
    const double here = sum_softplus(inputs);
    change(v[d] == 1 ? -1 : 1);
    const double changed = sum_softplus(inputs);
    out[0] = v[d] == 1 ? changed : here;
    out[1] = weights_.visible_bias[d] + (v[d] == 1 ? here : changed);
}

std::vector<double> Machine::gradient(marginalia::State v) const {
    std::vector<double> on = hidden_inputs(v, 0), gradient = weights_.visible_bias;
    for (double& input : on) input = sigmoid(input);
    for (std::size_t d = 0; d < weights_.visible; ++d) {
        const double* row = weights_.couplings.data() + d * weights_.hidden;
        for (std::size_t j = 0; j < weights_.hidden; ++j) gradient[d] += on[j] * row[j];
    }
    return gradient;
}

double Machine::hidden_on(marginalia::State v) const {
    double sum = 0;
    for (const double input : hidden_inputs(v, 0.5)) sum += sigmoid(input);
    return sum;
}

bool Machine::visible_exact() const { return affordable(weights_.visible, weights_.hidden); }

bool Machine::exact() const { return visible_exact() || affordable(weights_.hidden, weights_.visible); }

double Machine::log_sum(marginalia::State partial) const {
    std::vector<std::size_t> free;
    double known = 0;
    for (std::size_t d = 0; d < weights_.visible; ++d) {
        if (partial[d] == unknown) free.push_back(d);
        else known += partial[d] * weights_.visible_bias[d];
    }
    std::vector<double> inputs = hidden_inputs(partial, 0);
    const Layer layer = free.size() <= weights_.hidden ? visible_layer(weights_, free, std::move(inputs))
                                                       : hidden_layer(weights_, free, std::move(inputs));
    LogSum sum;
    LayerWalk(layer, [&](std::uint64_t, double term) { sum.add(term); });
    return known + sum.value();
}

double Machine::entropy() const {
    const Layer layer = visible_layer(weights_, all_units(weights_.visible), weights_.hidden_bias);
    LogSum sum;
    LayerWalk(layer, [&](std::uint64_t, double term) { sum.add(term); });
    const double log_z = sum.value();
    double entropy = 0;
    LayerWalk(layer, [&](std::uint64_t, double term) { entropy += std::exp(term - log_z) * (log_z - term); });
    return entropy;
}

std::vector<std::uint8_t> Machine::samples(std::size_t count, std::uint64_t seed) const {
    const bool by_visible = weights_.visible <= weights_.hidden;
    const auto all = all_units(weights_.visible);
    const Layer layer = by_visible ? visible_layer(weights_, all, weights_.hidden_bias)
                                   : hidden_layer(weights_, all, weights_.hidden_bias);
    std::vector<double> sums(std::size_t{1} << layer.bias.size());
    LayerWalk(layer, [&](std::uint64_t state, double term) { sums[state] = term; });
    const double largest = *std::max_element(sums.begin(), sums.end());
    double total = 0;
    for (double& sum : sums) sum = total += std::exp(sum - largest);

    factor_graph::Random random(seed);
    std::vector<std::uint8_t> rows;
    rows.reserve(count * weights_.visible);
    for (std::size_t row = 0; row < count; ++row) {
        const auto found = std::upper_bound(sums.begin(), sums.end() - 1, random.uniform() * total);
        const auto state = static_cast<std::uint64_t>(found - sums.begin());
        for (std::size_t d = 0; d < weights_.visible; ++d) {
            if (by_visible) {
                rows.push_back(state >> d & 1);
                continue;
            }
            double input = weights_.visible_bias[d];
            for (std::size_t j = 0; j < weights_.hidden; ++j)
                if (state >> j & 1) input += weights_.couplings[d * weights_.hidden + j];
            rows.push_back(random.uniform() < sigmoid(input));
        }
    }
    return rows;
}

}  // namespace rbm
