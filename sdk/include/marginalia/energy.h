// Energies: unnormalised densities f, the target p*(x) = f(x) / Z of energy-based training.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <marginalia/energy_form.h>
#include <marginalia/variables.h>

namespace marginalia {

// Independent or nearly independent states of the target, for evaluation.
struct ReferenceSamples {
    std::vector<std::uint8_t> rows;  // (count, D) symbols 0..K-1
    bool exact = false;              // drawn independently from p*; false: taken from a Markov chain
    std::string how;                 // one line: the method and, for a chain, what shows that it has mixed
    std::vector<double> reals =
        {};  // (count, D) numbers of real sites, which have 0 in `rows`; empty where none is real
};

// An unnormalised log-density over D sites of K categories each, or of what site_list() says. Where all sites hold real
// numbers, derive from RealEnergy (real_energy.h).
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
// Errors: throw marginalia::Error; the host adds the plugin's name, and only the trial at hand fails.
class MARGINALIA_API Energy : public Variables {
public:
    // sites D >= 1; categories 2 <= K <= 255.
    Energy(std::int64_t sites, std::int64_t categories) : Variables("an energy", sites, categories) {}

    // log f(x) in nats for one full state of D symbols 0..K-1. May be -infinity; never NaN or +infinity.
    virtual double log_density(State x) const = 0;

    // log f of each row into out[row]. The host cuts a batch into pieces of rows_per_call() rows and calls this for the
    // pieces in parallel; override it only where several rows at once are cheaper than one by one.
    virtual void log_densities(States rows, std::span<double> out) const {
        for (std::size_t row = 0; row < rows.size(); ++row) out[row] = log_density(rows[row]);
    }

    // Rows of a piece that log_densities is given; 0: the whole batch at once, from one thread, for an energy that is
    // parallel inside or on a GPU.
    virtual std::size_t rows_per_call() const { return 64; }

    // log f of the full state x with `site` set to each of its K values in turn, up to a constant that the K share:
    // log p*(x_site = k | the other sites) before normalising. K evaluations of log_density unless overridden; worth it
    // where few terms of log f hold the site, since chains on the energy (heat bath) call this for every update.
    virtual void site_log_densities(State x, std::int64_t site, std::span<double> out) const {
        std::vector<std::uint8_t> changed(x.begin(), x.end());
        for (std::size_t k = 0; k < out.size(); ++k) {
            changed[static_cast<std::size_t>(site)] = static_cast<std::uint8_t>(k);
            out[k] = log_density(changed);
        }
    }

    // out[d * K + k] = log f(x with x_d = k) - log f(x) for a full state with finite log f: exact, or to first order by
    // the gradient of a continuous extension (W. Grathwohl et al., Oops I took a gradient, ICML 2021). All D * K of
    // them together must cost about as much as a few evaluations. False: not offered.
    virtual bool differences(State, std::span<double>) const { return false; }

    // log f in plain numbers, so that a trial on a GPU has the energy there and networks see its couplings. nullopt:
    // not offered; log_density is then asked on the host, states are copied there and back, and networks that need
    // couplings are refused. Asked a few times a trial.
    virtual std::optional<EnergyForm> form() const { return std::nullopt; }

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

    // How different full states are from each other: the mean over pairs of a distance of 0 to 1, such as one less the
    // Tanimoto similarity of molecules ("internal diversity"). NaN: not offered, or fewer than two valid ones.
    virtual double diversity(States) const { return std::numeric_limits<double>::quiet_NaN(); }

    // What the host asks where sites hold real numbers (site_list), in place of log_densities, log_marginals and
    // observe: v, (rows, D), has the numbers of the rows' real sites (Reals), x has 0 there, or K where one is unknown.
    // log f and log p* are densities in v. log Z is then the log of the integral over them.
    virtual void mixed_log_densities(States x, std::span<const double> /*v*/, std::span<double> out) const {
        log_densities(x, out);
    }
    virtual bool mixed_log_marginals(States partial, std::span<const double> /*v*/, std::span<double> out) const {
        return log_marginals(partial, out);
    }
    virtual void mixed_observe(State x, Reals /*v*/, std::span<double> values) const { observe(x, values); }

    // The point of space that a full state stands for, for distances between clouds of states: always as many numbers.
    // Empty: states are no points.
    virtual std::vector<double> point(State, Reals) const { return {}; }
};

using EnergyFactory = Energy* (*)(const Params&);

}  // namespace marginalia

// Exports class `type`, constructible from const Params&, as an energy plugin. `list` is its constexpr Parameter array,
// `manual` Markdown text. One per shared library, at global scope.
#define MARGINALIA_ENERGY(type, name, summary, manual, list)                                          \
    static_assert(std::is_base_of_v<marginalia::Energy, type>);                                       \
    static marginalia::Energy* marginalia_create(const marginalia::Params& p) { return new type(p); } \
    MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", name, summary, manual, list, &marginalia_create, "")
