#include "slice_chains.h"

#include <ATen/ATen.h>
#include <marginalia/real_sites.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace slice {
namespace {

constexpr int most_starts = 1000;
constexpr int most_steps = 32;     // of the width, by which an interval grows
constexpr int most_shrinks = 200;  // of an interval, which is a point long before

double normal(marginalia::FastRandom& random) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

std::vector<std::int64_t> categories_of(const marginalia::Energy& energy) {
    std::vector<std::int64_t> categories;
    for (const marginalia::Site& site : energy.site_list()) categories.push_back(site.categories);
    if (categories.empty()) categories.assign(static_cast<std::size_t>(energy.sites()), energy.categories());
    return categories;
}

}  // namespace

SliceChains::SliceChains(const marginalia::Energy& energy, std::int64_t ensembles, std::vector<double> betas,
                         double width, at::Generator& generator)
    : energy_(energy), categories_(categories_of(energy)), betas_(std::move(betas)), width_(width) {
    const auto count = static_cast<std::size_t>(ensembles * levels());
    const std::uint64_t seed = chains::seed_of(generator);
    for (std::size_t i = 0; i < count; ++i)
        replicas_.push_back({std::vector<std::uint8_t>(categories_.size()), std::vector<double>(categories_.size()), 0,
                             marginalia::FastRandom(seed, i)});
    tried_.assign(count, 0);
    accepted_.assign(count, 0);
    chains::for_each(static_cast<std::int64_t>(count),
                     [this](std::int64_t i) { start(replicas_[static_cast<std::size_t>(i)]); });
}

double SliceChains::log_f_of(const Replica& replica) const {
    double value = 0;
    energy_.mixed_log_densities({replica.symbols, replica.symbols.size()}, replica.numbers, {&value, 1});
    if (!(value < HUGE_VAL)) throw marginalia::Error("log f of a chain's state is not a number below +infinity");
    return value;
}

void SliceChains::start(Replica& replica) const {
    for (int i = 0; i < most_starts; ++i) {
        for (std::size_t d = 0; d < categories_.size(); ++d)
            if (categories_[d] == 0) replica.numbers[d] = normal(replica.random);
            else
                replica.symbols[d] =
                    static_cast<std::uint8_t>(replica.random.below(static_cast<std::uint64_t>(categories_[d])));
        if ((replica.log_f = log_f_of(replica)) > -HUGE_VAL) return;
    }
    throw marginalia::Error("none of " + std::to_string(most_starts) +
                            " random states to start a chain at has f > 0; scale the energy's sites so that numbers "
                            "about 1 are possible");
}

void SliceChains::advance(std::int64_t sweeps) {
    const auto ensembles = static_cast<std::int64_t>(replicas_.size()) / levels();
    chains::for_each(ensembles, [&](std::int64_t ensemble) {
        for (std::int64_t i = 0; i < sweeps; ++i) {
            for (std::int64_t level = 0; level < levels(); ++level)
                sweep(at_level(ensemble, level), betas_[static_cast<std::size_t>(level)]);
            for (std::int64_t level = (sweeps_ + i) % 2; level + 1 < levels(); level += 2) swap(ensemble, level);
        }
    });
    sweeps_ += sweeps;
}

void SliceChains::sweep(Replica& replica, double beta) const {
    for (std::size_t d = 0; d < categories_.size(); ++d)
        categories_[d] == 0 ? draw_number(replica, d, beta) : draw_symbol(replica, d, beta);
}

double SliceChains::log_f_at(Replica& replica, std::size_t site, double number) const {
    replica.numbers[site] = number;
    return log_f_of(replica);
}

// Neal's figures 3 and 5.
void SliceChains::draw_number(Replica& replica, std::size_t site, double beta) const {
    const double here = replica.numbers[site];
    const double height = beta * replica.log_f + std::log(1 - replica.random.uniform());
    auto [low, high] = stepped_out(replica, site, beta, height);
    for (int i = 0; i < most_shrinks; ++i) {
        const double number = low + (high - low) * replica.random.uniform();
        const double log_f = log_f_at(replica, site, number);
        if (beta * log_f >= height) {
            replica.log_f = log_f;
            return;
        }
        (number < here ? low : high) = number;
    }
    replica.numbers[site] = here;
}

std::pair<double, double> SliceChains::stepped_out(Replica& replica, std::size_t site, double beta,
                                                   double height) const {
    const double here = replica.numbers[site];
    double low = here - width_ * replica.random.uniform(), high = low + width_;
    auto below = static_cast<int>(replica.random.below(most_steps));
    for (int above = most_steps - 1 - below; above > 0 && beta * log_f_at(replica, site, high) > height; --above)
        high += width_;
    for (; below > 0 && beta * log_f_at(replica, site, low) > height; --below) low -= width_;
    replica.numbers[site] = here;
    return {low, high};
}

// By exponential races, as sample_symbols.
void SliceChains::draw_symbol(Replica& replica, std::size_t site, double beta) const {
    double best = -HUGE_VAL, best_log_f = replica.log_f;
    std::uint8_t drawn = replica.symbols[site];
    for (std::int64_t symbol = 0; symbol < categories_[site]; ++symbol) {
        replica.symbols[site] = static_cast<std::uint8_t>(symbol);
        const double log_f = log_f_of(replica);
        const double key = beta * log_f - std::log(-std::log(1 - replica.random.uniform()));
        if (log_f == -HUGE_VAL || !(key > best)) continue;
        best = key, best_log_f = log_f, drawn = replica.symbols[site];
    }
    replica.symbols[site] = drawn;
    replica.log_f = best_log_f;
}

// Random numbers stay at their levels.
void SliceChains::swap(std::int64_t ensemble, std::int64_t level) {
    Replica &colder = at_level(ensemble, level), &hotter = at_level(ensemble, level + 1);
    const auto at = static_cast<std::size_t>(level);
    const auto counted = static_cast<std::size_t>(ensemble * levels() + level);
    ++tried_[counted];
    const double gain = (betas_[at] - betas_[at + 1]) * (hotter.log_f - colder.log_f);
    if (colder.random.uniform() >= std::exp(gain)) return;
    ++accepted_[counted];
    std::swap(colder.symbols, hotter.symbols);
    std::swap(colder.numbers, hotter.numbers);
    std::swap(colder.log_f, hotter.log_f);
}

at::Tensor SliceChains::coldest() const {
    const auto ensembles = static_cast<std::int64_t>(replicas_.size()) / levels();
    const auto sites = static_cast<std::int64_t>(categories_.size());
    at::Tensor x = at::empty({ensembles, sites}, at::kLong);
    auto* out = x.mutable_data_ptr<std::int64_t>();
    for (std::int64_t ensemble = 0; ensemble < ensembles; ++ensemble) {
        const Replica& replica = replicas_[static_cast<std::size_t>(ensemble * levels())];
        for (std::size_t d = 0; d < categories_.size(); ++d)
            *out++ = categories_[d] == 0 ? marginalia::real_state(replica.numbers[d]) : replica.symbols[d];
    }
    return x;
}

std::string SliceChains::report() const {
    char line[200];
    const auto ensembles = static_cast<long long>(replicas_.size()) / levels();
    int length =
        std::snprintf(line, sizeof line, "%lld chains, %lld sweeps each", ensembles, static_cast<long long>(sweeps_));
    double sum = 0, least = 1;
    for (std::int64_t level = 0; level + 1 < levels(); ++level) {
        double tried = 0, accepted = 0;
        for (auto i = static_cast<std::size_t>(level); i < tried_.size(); i += betas_.size())
            tried += static_cast<double>(tried_[i]), accepted += static_cast<double>(accepted_[i]);
        const double share = tried > 0 ? accepted / tried : 0;
        sum += share, least = std::min(least, share);
    }
    if (levels() > 1)
        std::snprintf(line + length, sizeof line - static_cast<std::size_t>(length),
                      " at %lld temperatures; swaps accepted: mean %.3f, least %.3f", static_cast<long long>(levels()),
                      sum / static_cast<double>(levels() - 1), least);
    return line;
}

marginalia::StateDict SliceChains::state() const {
    const auto count = static_cast<std::int64_t>(replicas_.size()),
               sites = static_cast<std::int64_t>(categories_.size());
    at::Tensor symbols = at::empty({count, sites}, at::kByte), numbers = at::empty({count, sites}, at::kDouble);
    std::vector<std::int64_t> words;
    for (std::int64_t i = 0; i < count; ++i) {
        const Replica& replica = replicas_[static_cast<std::size_t>(i)];
        std::copy(replica.symbols.begin(), replica.symbols.end(), symbols.data_ptr<std::uint8_t>() + i * sites);
        std::copy(replica.numbers.begin(), replica.numbers.end(), numbers.data_ptr<double>() + i * sites);
        for (const std::uint64_t word : replica.random.words()) words.push_back(static_cast<std::int64_t>(word));
    }
    return {{"symbols", symbols},
            {"numbers", numbers},
            {"random", chains::counters(words)},
            {"tried", chains::counters(tried_)},
            {"accepted", chains::counters(accepted_)},
            {"sweeps", chains::counters({sweeps_})}};
}

void SliceChains::load(const marginalia::StateDict& state) {
    const auto count = static_cast<std::int64_t>(replicas_.size()),
               sites = static_cast<std::int64_t>(categories_.size());
    const at::Tensor symbols = state.at("symbols").cpu().contiguous(), numbers = state.at("numbers").cpu().contiguous();
    const std::vector<std::int64_t> words = chains::counters(state.at("random")),
                                    tried = chains::counters(state.at("tried")),
                                    accepted = chains::counters(state.at("accepted"));
    const at::Tensor own = at::tensor(categories_, at::kLong).clamp_min(1);
    if (symbols.sizes() != at::IntArrayRef({count, sites}) || numbers.sizes() != symbols.sizes() ||
        symbols.scalar_type() != at::kByte || numbers.scalar_type() != at::kDouble ||
        words.size() != 4 * replicas_.size() || tried.size() != tried_.size() || accepted.size() != tried_.size())
        throw marginalia::Error(
            "the checkpoint's chains are not as many as the sampler has; go on with the batch and "
            "the parameters that it was saved with");
    if (!numbers.isfinite().all().item<bool>() || (symbols.to(at::kLong) >= own).any().item<bool>())
        throw marginalia::Error("the checkpoint's chains have a number that is not finite, or a symbol that is none");
    for (std::int64_t i = 0; i < count; ++i) {
        Replica& replica = replicas_[static_cast<std::size_t>(i)];
        std::copy_n(symbols.const_data_ptr<std::uint8_t>() + i * sites, sites, replica.symbols.begin());
        std::copy_n(numbers.const_data_ptr<double>() + i * sites, sites, replica.numbers.begin());
        marginalia::FastRandom::Words of_chain;
        for (std::size_t k = 0; k < 4; ++k)
            of_chain[k] = static_cast<std::uint64_t>(words[4 * static_cast<std::size_t>(i) + k]);
        replica.random = marginalia::FastRandom(of_chain);
        replica.log_f = log_f_of(replica);
    }
    tried_ = tried;
    accepted_ = accepted;
    sweeps_ = chains::counters(state.at("sweeps")).at(0);
}

}  // namespace slice
