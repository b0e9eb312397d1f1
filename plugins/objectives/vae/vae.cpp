#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/objective.h>

#include "importance_codes.h"

namespace {

using marginalia::Network;
using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "codes",
     .type = ParameterType::integer,
     .fallback = "5",
     .minimum = 1,
     .maximum = 1e4,
     .unit = "codes",
     .help = "k of the bound in training, each a pass of the decoder"},
    {.name = "score_codes",
     .type = ParameterType::integer,
     .fallback = "500",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "codes",
     .help = "k of log p of a full or partial state in evaluation and of `score`, `marginals` and `complete`"},
    {.name = "partial",
     .type = ParameterType::number,
     .fallback = "0.25",
     .minimum = 0,
     .maximum = 1,
     .help = "share of the rows of a batch that have a random number of random sites unknown, from which the encoder "
             "learns to guess the codes of partial states"},
};

constexpr const char* manual =
    R"(A variational autoencoder, trained by the importance-weighted bound, with network `vae`.
With k codes z_i = m + s e_i of the encoder's normal distribution, (m, log s) = encode(x_S), e_i ~ N(0, 1):

    w_i = p(x_S | z_i) p(z_i) / q(z_i | x_S),      L_k = E[log (1/k) sum_i w_i] <= log p(x_S)
    loss = -mean of L_k over a batch               k = `codes`

k = 1 is the usual bound (ELBO). The states are the sampler's or the dataset's.

**What log p is worth.** All figures of likelihood have names in `_bound`: at most log p(x) on average for given states,
and for drawn ones, whose own code is among the k, at least. Both close in on log p as k = `score_codes` grows. So
`nll_bits_bound` is an upper bound of the code length that an ideal coder pays. Bits-back coding pays -L_1, which is
recorded as `bits_back_bits` beside `train_bits` (-L_k of the same rows; both in bits a site, of full rows alone): the
gap is what a code that is to be read back costs.

**Marginals.** log p(x_S) = log E_q[w] by `score_codes` codes: the sites that are unknown fall out of the product, and
the encoder has learnt to guess from `partial` states. That is one pass of the encoder and `score_codes` of the decoder
a state, in place of one pass of a network that knows its marginals. Its relative standard error is (1/ESS - 1/k)^1/2,
ESS = (sum w)² / sum w² being the effective number of codes, whose share ESS / k of the training's bound is recorded as
`importance_effective`. Of a dataset `evaluation.marginal_rows` records that error over test rows, `marginal_gap`, and
`marginal_passes`. `marginalia marginals` takes the same codes for all states and so is the same every time; `score`
draws them anew, and two seeds show the error. `complete` picks one of the codes by its weight and draws the unknown
sites from it, which is exact as `score_codes` grows.

References: D. P. Kingma, M. Welling, Auto-encoding variational Bayes, ICLR 2014 (arXiv 1312.6114). Y. Burda, R. Grosse,
R. Salakhutdinov, Importance weighted autoencoders, ICLR 2016 (arXiv 1509.00519). Y. Wu, Y. Burda, R. Salakhutdinov, R.
Grosse, On the quantitative analysis of decoder-based generative models, ICLR 2017 (bounds from both sides). J.
Townsend, T. Bird, D. Barber, Practical lossless compression with latent variables using bits back coding, ICLR 2019. O.
Ivanov, M. Figurnov, D. Vetrov, Variational autoencoder with arbitrary conditioning, ICLR 2019 (partial states).)";

class CodeModel final : public marginalia::Model {
public:
    CodeModel(const Network& network, std::int64_t codes) : Model(network), codes_(codes) {}

    Density density() const override { return Density::bound; }

    marginalia::Generated generate(std::int64_t count, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        const at::Tensor z = marginalia::prior_codes(network(), count, generator);
        const at::Tensor x = marginalia::draw_sites(network().by_rows("decode", {z}), generator);
        const marginalia::CodeGuess guess(network(), x);
        at::Tensor log_w = guess.log_weights(z).unsqueeze(0);
        if (codes_ > 1) log_w = at::cat({log_w, guess.weigh(codes_ - 1, generator, tick).log_w});
        return {x, marginalia::log_mean(log_w)};
    }

    marginalia::Generated complete(const at::Tensor& x, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        const marginalia::CodeGuess guess(network(), x);
        const auto weighed = guess.weigh(codes_, generator, tick, true);
        const at::Tensor drawn = marginalia::draw_sites(network().by_rows("decode", {weighed.picked}), generator);
        const at::Tensor full = at::where(x == network().domain().categories, drawn, x);
        return {full, log_density(full, generator, tick) - marginalia::log_mean(weighed.log_w)};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const marginalia::Tick& tick) const override {
        return marginalia::log_mean(marginalia::CodeGuess(network(), x).weigh(codes_, generator, tick).log_w);
    }

    at::Tensor log_marginal(const at::Tensor& x) const override {
        return marginalia::log_mean(marginalia::CodeGuess(network(), x).weigh_by_same(codes_));
    }

    // The encoder's, and one of the decoder a code.
    std::int64_t marginal_passes() const override { return 1 + codes_; }

private:
    const std::int64_t codes_;
};

class ImportanceWeighted final : public marginalia::Objective {
public:
    ImportanceWeighted(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), codes_(params.integer("codes")), score_codes_(params.integer("score_codes")),
          partial_(params.number("partial")) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        marginalia::require_methods(step.network, "vae", {"decode", "encode"});
        const at::Tensor full = marginalia::training_states(step, setup_);
        const std::int64_t hidden = std::llround(partial_ * static_cast<double>(full.size(0)));
        const at::Tensor x = at::cat({partial_states(full.slice(0, 0, hidden), step.generator), full.slice(0, hidden)});
        const at::Tensor log_w = marginalia::CodeGuess(step.network, x).weigh(codes_, step.generator, [] {}).log_w;
        record(step, log_w.detach().slice(1, hidden));
        return -marginalia::log_mean(log_w).mean();
    }

    std::unique_ptr<marginalia::Model> model(const Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return std::make_unique<CodeModel>(network, score_codes_);
    }

private:
    // A number of sites drawn evenly from 0 to D - 1 stays known.
    at::Tensor partial_states(const at::Tensor& x, at::Generator& generator) const {
        const at::TensorOptions floats = at::TensorOptions().device(x.device());
        const at::Tensor known = at::rand({x.size(0), 1}, generator, floats);
        return x.masked_fill(at::rand(x.sizes(), generator, floats) >= known, setup_.domain.categories);
    }

    // Of the full rows, log weights (k, B).
    void record(marginalia::TrainingStep& step, const at::Tensor& log_w) const {
        if (log_w.size(1) == 0) return;
        const double bits = static_cast<double>(setup_.domain.sites) * std::numbers::ln2;
        const at::Tensor share = log_w.softmax(0).square().sum({0}).reciprocal() / static_cast<double>(codes_);
        step.metrics = {{"loss", -marginalia::log_mean(log_w).mean()},
                        {"train_bits", -marginalia::log_mean(log_w).mean() / bits},
                        {"bits_back_bits", -log_w.mean() / bits},
                        {"importance_effective", share.mean()}};
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t codes_, score_codes_;
    const double partial_;
};

}  // namespace

MARGINALIA_OBJECTIVE(ImportanceWeighted, "vae", "importance-weighted bound of a variational autoencoder", manual,
                     parameters, "states");
