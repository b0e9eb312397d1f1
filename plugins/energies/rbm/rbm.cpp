#include <marginalia/energy.h>

#include <algorithm>
#include <mutex>

#include "restricted_boltzmann.h"

namespace rbm {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "weights", .type = ParameterType::path, .help = "the couplings W, a .npy file of shape (hidden, visible)"},
    {.name = "visible_bias",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "b, a .npy file of shape (visible); empty: zeros"},
    {.name = "hidden_bias",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "c, a .npy file of shape (hidden); empty: zeros"},
};

constexpr const char* manual = R"(log f(v) = b.v + sum_j log(1 + exp(c_j + W_j v)) with visible units v_d in {0, 1}: a
restricted Boltzmann machine of given weights, its H hidden units summed out. The weights come from .npy files of floats
or integers (numpy.save).

Observables: `visible_on` (the share of visible units that are on) and `hidden_on` (the expected share of hidden units
that are). As text a state is D digits, □ if unknown. The partial density takes unknown units at one half and adds log 2
for each; as log f is convex, it never exceeds the log of the sum over them. The differences to all states that differ
in one unit are of first order, from the gradient of log f, at the cost of one log f.

Where the smaller layer has at most 20 units (and 2^units times the other layer is at most 2^27), log Z, log-marginals
of partial states and independent samples are exact, by a sum over that layer's states. With U unknown visible units,
the smaller of U and H is summed:

    p(v_S) = sum_h exp(c'.h) prod_d (1 + exp(b_d + (W'h)_d)) / Z,     c' being c + W v over the known units

The entropy is exact where the visible layer can be enumerated (D <= 20).

References: P. Smolensky, Information processing in dynamical systems: foundations of harmony theory, in: Parallel
Distributed Processing 1 (1986). G. E. Hinton, Training products of experts by minimizing contrastive divergence, Neural
Comput. 14, 1771 (2002). R. Salakhutdinov, I. Murray, On the quantitative analysis of deep belief networks, ICML
(2008).)";

}  // namespace

class Rbm final : public marginalia::Energy {
public:
    explicit Rbm(const marginalia::Params& p)
        : Rbm(read_weights(p.text("weights"), p.text("visible_bias"), p.text("hidden_bias"))) {}

    double log_density(marginalia::State v) const override { return machine_.log_f(v); }

    void site_log_densities(marginalia::State v, std::int64_t site, std::span<double> out) const override {
        machine_.site_log_f(v, static_cast<std::size_t>(site), out);
    }

    bool differences(marginalia::State v, std::span<double> out) const override {
        const std::vector<double> gradient = machine_.gradient(v);
        for (std::size_t d = 0; d < v.size(); ++d) {
            out[2 * d + v[d]] = 0;
            out[2 * d + 1 - v[d]] = v[d] == 1 ? -gradient[d] : gradient[d];
        }
        return true;
    }

    std::optional<marginalia::EnergyForm> form() const override {
        const Weights& weights = machine_.weights();
        marginalia::EnergyForm form;
        for (const double bias : weights.visible_bias) form.fields.insert(form.fields.end(), {0, bias});
        form.bias = weights.hidden_bias;
        form.weights = weights.couplings;
        return form;
    }

    std::optional<double> partial_log_density(marginalia::State v) const override { return machine_.log_f(v); }

    std::optional<double> log_z() const override {
        if (!machine_.exact()) return std::nullopt;
        std::call_once(log_z_known_, [this] { log_z_ = machine_.log_sum(std::vector<std::uint8_t>(sites(), 2)); });
        return log_z_;
    }

    bool log_marginals(marginalia::States partial, std::span<double> out) const override {
        const auto whole = log_z();
        for (std::size_t row = 0; whole && row < partial.size(); ++row)
            out[row] = std::min(0.0, machine_.log_sum(partial[row]) - *whole);
        return whole.has_value();
    }

    std::optional<double> entropy() const override {
        if (!machine_.visible_exact()) return std::nullopt;
        std::call_once(entropy_known_, [this] { entropy_ = machine_.entropy(); });
        return entropy_;
    }

    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count,
                                                                  std::uint64_t seed) const override {
        if (!machine_.exact()) return std::nullopt;
        return marginalia::ReferenceSamples{machine_.samples(count, seed), true,
                                            "independent, by enumeration of the smaller layer"};
    }

    std::vector<marginalia::Observable> observables() const override { return {{"visible_on", ""}, {"hidden_on", ""}}; }

    // The shares of visible units that are on, and of hidden units that are expected to be.
    void observe(marginalia::State v, std::span<double> values) const override {
        values[0] = static_cast<double>(std::count(v.begin(), v.end(), 1)) / static_cast<double>(v.size());
        values[1] = machine_.hidden_on(v) / static_cast<double>(machine_.weights().hidden);
    }

private:
    explicit Rbm(Weights weights)
        : Energy(static_cast<std::int64_t>(weights.visible), 2), machine_(std::move(weights)) {}

    const Machine machine_;
    mutable std::once_flag log_z_known_, entropy_known_;
    mutable double log_z_ = 0, entropy_ = 0;
};

}  // namespace rbm

MARGINALIA_ENERGY(rbm::Rbm, "rbm", "restricted Boltzmann machine with given weights", rbm::manual, rbm::parameters);
