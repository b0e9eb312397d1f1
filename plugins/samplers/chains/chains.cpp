#include "chains.h"

#include <ATen/ATen.h>
#include <oneapi/tbb/parallel_for.h>

#include <marginalia/energy_states.h>
#include <marginalia/host.h>

namespace chains {
namespace {

constexpr int most_first_sweeps = 1000;

}  // namespace

std::uint64_t seed_of(at::Generator& generator) {
    const at::Tensor words = marginalia::to_host(at::randint(
        std::int64_t{1} << 32, {2}, generator, at::TensorOptions().dtype(at::kLong).device(generator.device())));
    const auto* word = words.const_data_ptr<std::int64_t>();
    return static_cast<std::uint64_t>(word[0]) << 32 | static_cast<std::uint64_t>(word[1]);
}

Start start_of(const std::string& word) { return word == "spread" ? Start::spread : Start::random; }

const marginalia::Energy& energy_of(const marginalia::TrainingSetup& setup) {
    if (!setup.energy) throw marginalia::Error("chains on the energy need one; give the experiment an [energy] table");
    const auto text = [](std::int64_t sites, std::int64_t categories) {
        return std::to_string(sites) + " sites of " + std::to_string(categories) + " categories";
    };
    if (setup.energy->sites() != setup.domain.sites || setup.energy->categories() != setup.domain.categories)
        throw marginalia::Error("the energy has " + text(setup.energy->sites(), setup.energy->categories()) +
                                " and the domain " + text(setup.domain.sites, setup.domain.categories) +
                                "; chains on the energy need both alike");
    return *setup.energy;
}

Chains::Chains(const marginalia::Energy& energy, std::int64_t count, Start start, at::Generator& generator)
    : energy_(energy), sites_(static_cast<std::size_t>(energy.sites())) {
    const std::uint64_t seed = seed_of(generator);
    const auto categories = static_cast<std::uint64_t>(energy.categories());
    bytes_.resize(static_cast<std::size_t>(count) * sites_);
    for (std::int64_t chain = 0; chain < count; ++chain) {
        random_.emplace_back(seed, static_cast<std::uint64_t>(chain));
        const std::uint64_t turn = static_cast<std::uint64_t>(chain) % (categories + 1);
        for (std::uint8_t& symbol : state(chain))
            symbol = static_cast<std::uint8_t>(
                start == Start::spread && turn < categories ? turn : random_.back().below(categories));
    }
}

std::span<std::uint8_t> Chains::state(std::int64_t chain) {
    return std::span(bytes_).subspan(static_cast<std::size_t>(chain) * sites_, sites_);
}

void Chains::make_possible() {
    for_each(count(), [this](std::int64_t chain) {
        int sweeps = 0;
        while (log_f(chain) == -HUGE_VAL) {
            if (++sweeps > most_first_sweeps)
                throw marginalia::Error("no state of f > 0 was found in " + std::to_string(most_first_sweeps) +
                                        " heat-bath sweeps; the energy is too hard for chains of single-site updates");
            marginalia::heat_bath_sweep(energy_, state(chain), 1, random(chain));
        }
    });
}

at::Tensor Chains::rows() const { return marginalia::byte_rows({bytes_, sites_}); }

at::Tensor Chains::rows(const std::vector<std::int64_t>& chains) const {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(chains.size() * sites_);
    for (const std::int64_t chain : chains) {
        const auto first = bytes_.begin() + chain * static_cast<std::ptrdiff_t>(sites_);
        bytes.insert(bytes.end(), first, first + static_cast<std::ptrdiff_t>(sites_));
    }
    return marginalia::byte_rows({bytes, sites_});
}

void Chains::save(marginalia::StateDict& state) const {
    const std::int64_t chains = count();
    state["states"] = at::empty({chains, static_cast<std::int64_t>(sites_)}, at::kByte);
    std::copy(bytes_.begin(), bytes_.end(), state["states"].data_ptr<std::uint8_t>());
    std::vector<std::int64_t> words;
    for (const marginalia::FastRandom& random : random_)
        for (const std::uint64_t word : random.words()) words.push_back(static_cast<std::int64_t>(word));
    state["random"] = counters(words);
}

void Chains::load(const marginalia::StateDict& state) {
    const at::Tensor bytes = marginalia::to_host(state.at("states")).contiguous();
    const std::vector<std::int64_t> words = counters(state.at("random"));
    if (bytes.numel() != static_cast<std::int64_t>(bytes_.size()) || words.size() != 4 * random_.size())
        throw marginalia::Error("the checkpoint holds " + std::to_string(words.size() / 4) + " chains of " +
                                std::to_string(bytes.numel()) + " symbols in all where the sampler has " +
                                std::to_string(random_.size()) + " of " + std::to_string(bytes_.size()) +
                                "; go on with the batch and the parameters that it was saved with");
    if ((bytes >= energy_.categories()).any().item<bool>())
        throw marginalia::Error("the checkpoint's chains have a symbol that is none of the " +
                                std::to_string(energy_.categories()) + " categories");
    std::copy_n(bytes.const_data_ptr<std::uint8_t>(), bytes_.size(), bytes_.begin());
    for (std::size_t chain = 0; chain < random_.size(); ++chain) {
        marginalia::FastRandom::Words of_chain;
        for (std::size_t i = 0; i < 4; ++i) of_chain[i] = static_cast<std::uint64_t>(words[4 * chain + i]);
        random_[chain] = marginalia::FastRandom(of_chain);
    }
}

EnergyChains::EnergyChains(const char* unit, const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                           at::Generator& generator)
    : chains_(energy_of(setup), setup.batch, start_of(params.text("start")), generator), unit_(unit),
      per_draw_(params.integer(unit)), burn_in_(params.integer("burn_in")) {}

at::Tensor EnergyChains::draw() {
    if (done_ == 0) chains_.make_possible();
    const std::int64_t count = per_draw_ + (done_ == 0 ? burn_in_ : 0);
    for_each(chains_.count(), [this, count](std::int64_t chain) { move(chain, count); });
    done_ += count;
    return chains_.rows();
}

std::string EnergyChains::report() const {
    return std::to_string(chains_.count()) + " chains, " + std::to_string(done_) + " " + unit_ + " each";
}

marginalia::StateDict EnergyChains::state() const {
    marginalia::StateDict state{{unit_, counters({done_})}};
    chains_.save(state);
    return state;
}

void EnergyChains::load(const marginalia::StateDict& state) {
    chains_.load(state);
    done_ = counters(state.at(unit_)).at(0);
}

void for_each(std::int64_t count, const std::function<void(std::int64_t)>& work) {
    oneapi::tbb::parallel_for(std::int64_t{0}, count, work);
}

at::Tensor counters(const std::vector<std::int64_t>& values) {
    at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
    std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
    return tensor;
}

std::vector<std::int64_t> counters(const at::Tensor& tensor) {
    const at::Tensor flat = marginalia::to_host(tensor).contiguous();
    const auto* values = flat.const_data_ptr<std::int64_t>();
    return {values, values + flat.numel()};
}

}  // namespace chains
