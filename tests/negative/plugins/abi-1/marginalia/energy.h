// Energies: unnormalised densities f over discrete states, the target p*(x) = f(x) / Z of energy-based training.
#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <marginalia/plugin.h>
#include <marginalia/states.h>

namespace marginalia {

// Independent or nearly independent states of the target, for evaluation.
struct ReferenceSamples {
    std::vector<std::uint8_t> rows;  // (count, D) symbols 0..K-1
    bool exact = false;              // drawn independently from p*; false: taken from a Markov chain
    std::string how;                 // one line: the method and, for a chain, what shows that it has mixed
};

// A named quantity of a state, such as a magnetisation.
struct Observable {
    std::string name;
    std::string unit;
};

// An unnormalised log-density over D sites of K categories each.
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
// Errors: throw marginalia::Error; the host adds the plugin's name, and only the trial at hand fails.
class MARGINALIA_API Energy {
public:
    // sites D >= 1; categories 2 <= K <= 255.
    Energy(std::int64_t sites, std::int64_t categories) : sites_(sites), categories_(categories) {
        if (sites < 1) throw Error("an energy needs at least 1 site, not " + std::to_string(sites));
        if (categories < 2 || categories > 255)
            throw Error("an energy needs 2 to 255 categories, not " + std::to_string(categories));
    }
    virtual ~Energy() = default;
    Energy(const Energy&) = delete;
    Energy& operator=(const Energy&) = delete;

    std::int64_t sites() const { return sites_; }            // D
    std::int64_t categories() const { return categories_; }  // K

    // log f(x) in nats for one full state of D symbols 0..K-1. May be -infinity; never NaN or +infinity.
    virtual double log_density(State x) const = 0;

    // log f of each row into out[row]. The host cuts a batch into pieces and calls this for the pieces in parallel;
    // override it only where several rows at once are cheaper than one by one.
    virtual void log_densities(States rows, std::span<double> out) const {
        for (std::size_t row = 0; row < rows.size(); ++row) out[row] = log_density(rows[row]);
    }

    // A running estimate of log sum_{x_rest} f(x_S, x_rest) for a partial state (□ = K), equal to log f on full states
    // ("forward-looking" credit). nullopt: not offered.
    virtual std::optional<double> partial_log_density(State) const { return std::nullopt; }

    // The exact log Z = log sum_x f(x) in nats. nullopt: not known.
    virtual std::optional<double> log_z() const { return std::nullopt; }

    // The exact log p*(x_S) in nats of each partial state (□ = K) into out[row]. Returns false where not offered.
    virtual bool log_marginals(States, std::span<double>) const { return false; }

    // The exact entropy of p* in nats, the floor of any negative log-likelihood. nullopt: not known.
    virtual std::optional<double> entropy() const { return std::nullopt; }

    // `count` states of p*, the same for the same seed. nullopt: not offered.
    virtual std::optional<ReferenceSamples> reference_samples(std::size_t /*count*/, std::uint64_t /*seed*/) const {
        return std::nullopt;
    }

    // Named quantities of a state, and their values in the same order.
    virtual std::vector<Observable> observables() const { return {}; }
    virtual void observe(State, std::span<double> /*values*/) const {}

    // How the sites lie; a plain sequence unless the energy says otherwise.
    virtual Layout layout() const { return {{sites_}, false}; }

    // A full or partial state as one line of text. The default writes digits (□ for unknown), with commas if K > 10.
    virtual std::string text(State x) const {
        std::string line;
        for (std::size_t d = 0; d < x.size(); ++d) {
            if (d > 0 && categories_ > 10) line += ',';
            line += x[d] >= categories_ ? "□" : std::to_string(x[d]);
        }
        return line;
    }

private:
    const std::int64_t sites_;
    const std::int64_t categories_;
};

using EnergyFactory = Energy* (*)(const Params&);

}  // namespace marginalia

// Exports class `type`, constructible from const Params&, as an energy plugin. `list` is its constexpr Parameter array,
// `manual` Markdown text. One per shared library, at global scope.
#define MARGINALIA_ENERGY(type, name, summary, manual, list)                                          \
    static_assert(std::is_base_of_v<marginalia::Energy, type>);                                       \
    static marginalia::Energy* marginalia_create(const marginalia::Params& p) { return new type(p); } \
    MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", name, summary, manual, list, &marginalia_create, "")
