#include <array>

#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/site_terms.h>

#include "../any_order.h"

namespace {

constexpr std::array<marginalia::Parameter, 0> parameters{};

constexpr const char* manual = R"(Maximum likelihood of an any-order autoregressive model: stage 1 of training a
marginalization model from data (arXiv 2310.12920, sec. 4.1). Each row of a batch, a state from the dataset or from a
sampler of an energy, gets a random order σ and a position d, uniform and spread evenly over the batch:

    loss = -E[ D / (D - d + 1) * sum over k in σ(>=d) of log p_φ(x_k | x_σ(<d)) ]     d = 1..D

This is an unbiased estimate, by one pass, of the mean over orders of -log p_φ(x) in nats, which bounds the negative
log-likelihood. It has the mean of D times the single conditional at σ(d), and less variance. It is also the loss of
masked (absorbing) diffusion decoded in any order, one site at a time. Only the conditionals learn: log p_θ stays as it
began. Sites may hold real numbers, whose log p_φ is a log-density. Rows may lack cells: orders and D are then of the
cells that a row has. Records `loss` (nats a row) and `train_bits` (bits a site). The
final `nll_bits` takes one random order for each row of the test split.

References: E. Hoogeboom et al., Autoregressive diffusion models, ICLR 2022 (arXiv 2110.02037), algorithm 2. B. Uria et
al., A deep and tractable density estimator, ICML 2014.)";

class AnyOrderLikelihood final : public marginalia::Objective {
public:
    AnyOrderLikelihood(const marginalia::Params&, const marginalia::TrainingSetup& setup) : setup_(setup) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        const at::Tensor rank = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        const RankedRows ranked(step, x, rank, setup_.domain.categories);
        const PartlyKnown rows(ranked, setup_.domain.categories, step.generator);
        const at::Tensor logits = step.network.conditional_logits(rows.before);
        return any_order_likelihood(step, rows, marginalia::log_probabilities(setup_.domain, logits, x));
    }

    bool trains_marginals() const override { return false; }
    bool takes_mixed_sites() const override { return true; }

private:
    const marginalia::TrainingSetup setup_;
};

}  // namespace

MARGINALIA_OBJECTIVE(AnyOrderLikelihood, "ao-arm",
                     "any-order autoregressive model by maximum likelihood (masked diffusion): stage 1", manual,
                     parameters, "states");
