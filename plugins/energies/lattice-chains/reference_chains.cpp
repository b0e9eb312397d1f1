#include "reference_chains.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace lattice_chains {
namespace {

constexpr int chain_count = 8;
constexpr int pilot_sweeps = 1000;

using Series = std::vector<double>;  // one quantity of one chain, a value each sweep

double mean_of(const Series& series) {
    return std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
}

double covariance(const Series& series, double mean, std::size_t lag) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < series.size(); ++i) sum += (series[i] - mean) * (series[i + lag] - mean);
    return sum / static_cast<double>(series.size());
}

// Gelman and Rubin's potential scale reduction: between-chain against within-chain variance.
double scale_reduction(const std::vector<Series>& chains) {
    Series means;
    double within = 0;
    for (const Series& chain : chains) {
        means.push_back(mean_of(chain));
        within += covariance(chain, means.back(), 0) / static_cast<double>(chains.size());
    }
    const double spread = covariance(means, mean_of(means), 0) * chain_count / (chain_count - 1);
    if (within == 0) return spread == 0 ? 1 : HUGE_VAL;
    return std::sqrt(1 + spread / within);
}

// Integrated autocorrelation time in sweeps (1 for independent values), averaged over the chains; the sum stops at
// Sokal's window of six times itself.
double autocorrelation_time(const std::vector<Series>& chains) {
    double variance = 0;
    for (const Series& chain : chains) variance += covariance(chain, mean_of(chain), 0);
    if (variance == 0) return 1;
    double time = 1;
    for (std::size_t lag = 1; static_cast<double>(lag) < 6 * time && lag < chains[0].size() / 2; ++lag) {
        double shared = 0;
        for (const Series& chain : chains) shared += covariance(chain, mean_of(chain), lag);
        time += 2 * shared / variance;
    }
    return std::max(1.0, time);
}

// What the first part of the chains showed of one watched quantity.
struct Mixing {
    std::string name;
    double r_hat, time;
};

std::string joined(const std::vector<Mixing>& all, const char* format, double Mixing::* value) {
    std::string text;
    for (const Mixing& mixing : all) {
        char number[40];
        std::snprintf(number, sizeof number, format, mixing.*value);
        text += (text.empty() ? "" : ", ") + std::string(number) + " (" + mixing.name + ")";
    }
    return text;
}

std::string describe(const std::string& kind, const std::vector<Mixing>& all, double r_hat, std::int64_t burn_in,
                     std::int64_t apart) {
    return std::to_string(chain_count) + " " + kind + " chains from ordered and random states, burn-in " +
           std::to_string(burn_in) + " sweeps, then a state every " + std::to_string(apart) + " sweeps; R-hat " +
           joined(all, "%.3f", &Mixing::r_hat) + "; autocorrelation time " + joined(all, "%.1f", &Mixing::time) +
           " sweeps" + (r_hat < 1.05 ? "" : "; NOT MIXED: do not rely on these samples");
}

void sweep(Chain& chain, std::int64_t times) {
    while (times-- > 0) chain.sweep();
}

}  // namespace

ChainSamples chain_samples(const Chains& chains, std::size_t count) {
    std::vector<std::unique_ptr<Chain>> all;
    std::vector<std::vector<Series>> series(chains.watched.size(), std::vector<Series>(chain_count));
    for (int number = 0; number < chain_count; ++number) {
        Chain& chain = *all.emplace_back(chains.start(number));
        sweep(chain, pilot_sweeps);
        for (int i = 0; i < pilot_sweeps; ++i) {
            chain.sweep();
            for (std::size_t w = 0; w < series.size(); ++w)
                series[w][number].push_back(chains.watched[w].value(chain.state()));
        }
    }
    std::vector<Mixing> mixing;
    ChainSamples samples{{}, 1, 1, {}};
    for (std::size_t w = 0; w < series.size(); ++w) {
        mixing.push_back({chains.watched[w].name, scale_reduction(series[w]), autocorrelation_time(series[w])});
        samples.r_hat = std::max(samples.r_hat, mixing.back().r_hat);
        samples.autocorrelation_time = std::max(samples.autocorrelation_time, mixing.back().time);
    }
    const auto apart = static_cast<std::int64_t>(std::max(10.0, std::ceil(5 * samples.autocorrelation_time)));
    const auto more = static_cast<std::int64_t>(std::ceil(20 * samples.autocorrelation_time));
    samples.how = describe(chains.kind, mixing, samples.r_hat, 2 * pilot_sweeps + more, apart);
    for (const auto& chain : all) sweep(*chain, more);
    for (std::size_t sample = 0; sample < count; ++sample) {
        Chain& chain = *all[sample % chain_count];
        sweep(chain, apart);
        samples.rows.insert(samples.rows.end(), chain.state().begin(), chain.state().end());
    }
    return samples;
}

}  // namespace lattice_chains
