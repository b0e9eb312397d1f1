// The energy '@NAME@': a chain of sites whose neighbours like to be in the same state.
//   log f(x) = weight * (number of sites i with x_i = x_(i+1))
#include <cmath>

#include <marginalia/energy.h>

namespace {

using marginalia::ParameterType;

// What may be written in [energy] of an experiment file. It is checked before an object is made, so the constructor
// finds every value present, of its type and in its range. Without `fallback` the user must give a value.
constexpr marginalia::Parameter parameters[] = {
    {.name = "sites",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "length of the chain"},
    {.name = "states",
     .type = ParameterType::integer,
     .fallback = "3",
     .minimum = 2,
     .maximum = 255,
     .help = "states that each site can be in"},
    {.name = "weight",
     .type = ParameterType::number,
     .fallback = "0.5",
     .minimum = -20,
     .maximum = 20,
     .unit = "nats",
     .help = "added for two equal neighbours; below 0 they like to differ"},
};

constexpr const char* manual = R"(A chain of sites: log f(x) = weight * (number of sites i with x_i = x_(i+1)).
Summing over the sites from the last to the first gives log Z = log K + (L - 1) log(K - 1 + exp(weight)).)";

class @TYPE@ final : public marginalia::Energy {
public:
    explicit @TYPE@(const marginalia::Params& p)
        : marginalia::Energy(p.integer("sites"), p.integer("states")), weight_(p.number("weight")) {}

    // The one method an energy must have: log f in nats of sites() bytes, each from 0 to categories() - 1. The host
    // calls it from several threads at once, so it must not change the object. A forbidden state has
    // -infinity, or a price such as -10 nats for each violation, which is easier to learn from.
    double log_density(marginalia::State x) const override { return weight_ * static_cast<double>(equal_pairs(x)); }

    // All that follows is optional; marginalia/energy.h lists more. An exact log Z gives every run its true KL.
    std::optional<double> log_z() const override {
        const auto length = static_cast<double>(sites()), states = static_cast<double>(categories());
        return std::log(states) + (length - 1) * std::log(states - 1 + std::exp(weight_));
    }

    // Named quantities of a state, printed by `marginalia score`.
    std::vector<marginalia::Observable> observables() const override { return {{"equal_pairs", ""}}; }
    void observe(marginalia::State x, std::span<double> values) const override {
        values[0] = static_cast<double>(equal_pairs(x));
    }

    // Where the sites lie, for networks that use it and for pictures: one row, its ends no neighbours.
    marginalia::Layout layout() const override { return {{sites()}, false}; }

private:
    static std::size_t equal_pairs(marginalia::State x) {
        std::size_t pairs = 0;
        for (std::size_t i = 0; i + 1 < x.size(); ++i) pairs += x[i] == x[i + 1];
        return pairs;
    }

    const double weight_;
};

}  // namespace

MARGINALIA_ENERGY(@TYPE@, "@NAME@", "a chain of sites whose neighbours like to be equal", manual, parameters);
