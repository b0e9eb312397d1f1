#include <array>

#include <ATen/ATen.h>
#include <marginalia/real_sites.h>
#include <marginalia/sampler.h>

#include "chains/chains.h"

namespace {

constexpr std::array<marginalia::Parameter, 0> parameters{};

constexpr const char* manual = R"(B independent states of the target a step, as the energy itself draws them: its
reference states, new ones each time. For energies that offer exact ones, of real numbers or of symbols: training by
likelihood (`ao-arm`, `mam-joint`, `mam-distill`) then has unlimited data, and no error of the model comes from chains
that have not mixed. Energies without exact states are refused at the first draw; take chains for them, such as `slice`
or `parallel-tempering`.

A draw costs what reference states cost. For some energies (transfer matrices) this includes a fixed part, so that large
batches are cheaper per state. On a GPU they are drawn ahead, beside the step.

Reference: D. Koller, N. Friedman, Probabilistic Graphical Models (2009), ch. 12.)";

class ExactStates final : public chains::Source {
public:
    ExactStates(const marginalia::Params&, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : energy_(chains::energy_of(setup)), batch_(setup.batch), seed_(chains::seed_of(generator)) {}

    at::Tensor draw() override {
        const auto samples = energy_.reference_samples(
            static_cast<std::size_t>(batch_), marginalia::mixed_bits(seed_ + static_cast<std::uint64_t>(draws_)));
        if (!samples || !samples->exact)
            throw marginalia::Error("this energy cannot draw exact states by itself; take a sampler of chains on it");
        ++draws_;
        return marginalia::joined_states(energy_, *samples);
    }

    std::string report() const override { return std::to_string(draws_) + " draws of exact states"; }

    marginalia::StateDict state() const override {
        return {{"draws", chains::counters({static_cast<std::int64_t>(seed_), draws_})}};
    }
    void load(const marginalia::StateDict& state) override {
        const std::vector<std::int64_t> saved = chains::counters(state.at("draws"));
        seed_ = static_cast<std::uint64_t>(saved.at(0));
        draws_ = saved.at(1);
    }

private:
    const marginalia::Energy& energy_;
    const std::int64_t batch_;
    std::uint64_t seed_;
    std::int64_t draws_ = 0;
};

class Exact final : public chains::Ahead<ExactStates> {
public:
    using Ahead::Ahead;
    bool takes_mixed_sites() const override { return true; }
};

}  // namespace

MARGINALIA_SAMPLER(Exact, "exact", "independent states of the target, as the energy itself draws them", manual,
                   parameters, "energy");
