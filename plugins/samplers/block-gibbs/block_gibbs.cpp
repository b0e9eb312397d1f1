#include <ATen/ATen.h>
#include <marginalia/orders.h>
#include <marginalia/sampler.h>

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "sites",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sites",
     .help = "sites erased and resampled a step, at most D"},
};

constexpr const char* manual = R"(Persistent block Gibbs chains (method page, "Energy-based"; arXiv 2310.12920, sec.
4.2). B states live on between steps; each step erases `sites` random sites of every state and resamples them one after
another, in random order, from p_φ: `sites` passes for one conditional a row. With an exact φ the model's distribution
is invariant under this, whatever the block, which only sets how fast chains forget. The chains start uniform over all
states and are part of the checkpoint.

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec.
4.2.)";

class BlockGibbs final : public marginalia::Sampler {
public:
    BlockGibbs(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : domain_(setup.domain), sites_(std::min(params.integer("sites"), setup.domain.sites)),
          categories_(setup.domain.categories) {
        chains_ = at::randint(categories_, {setup.batch, setup.domain.sites}, generator,
                              at::TensorOptions().dtype(at::kLong).device(setup.device));
    }

    at::Tensor draw(const marginalia::Network& network, at::Generator& generator) override {
        const at::Tensor block =
            marginalia::random_sites(chains_.size(0), chains_.size(1), sites_, generator, chains_.device());
        chains_.scatter_(1, block, categories_);
        for (std::int64_t i = 0; i < sites_; ++i) {
            const at::Tensor site = block.select(1, i);
            const at::Tensor symbol = marginalia::sample_symbols(network.conditional_at(chains_, site), generator);
            chains_.scatter_(1, site.unsqueeze(1), symbol.unsqueeze(1));
        }
        return chains_.clone();
    }

    marginalia::StateDict state() const override { return {{"chains", chains_}}; }
    void load(const marginalia::StateDict& state) override {
        chains_.copy_(marginalia::saved_states(state, "chains", domain_));
    }

private:
    const marginalia::Domain domain_;
    const std::int64_t sites_;
    const std::int64_t categories_;
    at::Tensor chains_;  // (B, D)
};

}  // namespace

MARGINALIA_SAMPLER(BlockGibbs, "block-gibbs", "persistent chains whose random blocks are resampled by the model",
                   manual, parameters);
