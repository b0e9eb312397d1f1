#include "buffer.h"

#include <ATen/ATen.h>
#include <marginalia/model.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using marginalia::ParameterType;
using replay::Window;

constexpr marginalia::Parameter parameters[] = {
    {.name = "buffer",
     .type = ParameterType::integer,
     .fallback = "1024",
     .minimum = 0,
     .maximum = 1e7,
     .unit = "states",
     .help = "chains that are kept, of which each draw gives the next batch in turn; never fewer than a batch"},
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "heat-bath updates of every site of the states that a draw gives; 0: the model's proposals alone"},
    {.name = "every",
     .type = ParameterType::integer,
     .fallback = "100",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "draws",
     .help = "draws from one round of the model's proposals to the next"},
    {.name = "share",
     .type = ParameterType::number,
     .fallback = "0.125",
     .minimum = 0,
     .maximum = 1,
     .help = "of the buffer that is proposed new states in a round, in turn; 0: plain heat-bath chains"},
    {.name = "passes",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "passes",
     .help = "of the network a proposal, several sites a pass; 0: one a site"},
    chains::burn_in_parameter("of the whole buffer before the first draw"),
    {.name = "start",
     .type = ParameterType::text,
     .fallback = "\"spread\"",
     .choices = chains::start_words,
     .help = "chains start at random states, or at all 0, all 1, .. and a random state in turn"},
};

constexpr const char* manual = R"(A buffer of `buffer` Markov chains on the energy itself, moved in two ways, which both
leave p* = f / Z invariant:

- Each draw takes the next B states of the buffer, gives them `sweeps` heat-bath sweeps (`single-site-gibbs`) and hands
  them out.
- Every `every` draws the model as it is then proposes new states to the next `share` of the buffer. A proposal x' is
  drawn in a random order s' by the network's conditionals and takes the place of x with probability

      min(1, f(x') p_φ(x | s) / (f(x) p_φ(x' | s')))      s another random order

  which is independence Metropolis on states and their orders, exact for any network: a poor one is refused more often.

So states pass between modes that single-site chains cannot join, as soon as the model knows both, and each mode gets
its right weight, whatever weight the model gives it. A mode that neither the start nor the chains nor the model ever
reach stays unknown: `start = "spread"` helps where the modes are near all 0, all 1 and so on. The sampler reports the
share of proposals accepted, in all and in the last round; below a percent or so the model adds nothing.

The network learns from the states that it moves, so that the chains are adaptive: each round is right for the network
as it stands, and the whole is as the learning rate falls (G. O. Roberts, J. S. Rosenthal, J. Appl. Probab. 44, 458
(2007)).

Beside `parallel-tempering`: that needs no model and is right from the first step on, but pays for `temperatures`
replicas of every state in every sweep, and a ladder whose hottest replica must mix. A buffer pays for one replica, and
joins modes only once the model has learnt them; if it has learnt one alone, it will not find the others. Take
parallel-tempering for glasses and for all of which the modes are not known, and this where the modes are known or the
chains find them from different starts, such as the phases of a magnet.

A round costs 2 D passes over share * `buffer` states, at most B at a time; `passes` above 0 draws and scores several
sites a pass, which is as exact, if a little less often accepted (docs/inference.md, "In few passes"). The conditionals
are read in random orders, also where the objective trains one order alone. Each chain has random numbers of its own;
proposals take the trial's. Everything is part of the checkpoint. For reference states ([reference]) set buffer = 0:
R-hat takes row i of every draw for the same chain.

On a GPU, where the energy can be there, all is done there, one colour of sites after another; rounds with `passes` make
the host wait. Otherwise the sweeps are made on the host.

References: L. Tierney, Markov chains for exploring posterior distributions, Ann. Stat. 22, 1701 (1994), independence
chains. M. Gabrié, G. M. Rotskoff, E. Vanden-Eijnden, Adaptive Monte Carlo augmented with normalizing flows, PNAS 119,
e2109420119 (2022).)";

class Replay final : public marginalia::Sampler {
public:
    Replay(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : setup_(setup), sweeps_(params.integer("sweeps")), every_(params.integer("every")),
          passes_(params.integer("passes")), burn_in_(params.integer("burn_in")),
          size_(std::max(params.integer("buffer"), setup.batch)),
          proposals_(std::llround(params.number("share") * static_cast<double>(size_))), drawn_{0, 0, size_},
          proposed_{0, 0, size_} {
        if (sweeps_ == 0 && proposals_ == 0)
            throw marginalia::Error("with sweeps = 0 and share = 0 no state would ever change; raise one of them");
        buffer_ = replay::make_buffer(setup, size_, chains::start_of(params.text("start")), generator);
        accepted_ = at::zeros({2}, at::TensorOptions(at::kLong).device(setup.device));
    }

    at::Tensor draw(const marginalia::Network& network, at::Generator& generator) override {
        if (draws_ == 0) begin(generator);
        else if (draws_ % every_ == 0) propose(network, generator);
        drawn_ = drawn_.next(setup_.batch);
        buffer_->sweep(drawn_, sweeps_, generator);
        ++draws_;
        return buffer_->states(drawn_);
    }

    std::string report() const override {
        char line[200];
        int length = std::snprintf(line, sizeof line, "%lld states, %lld draws", static_cast<long long>(size_),
                                   static_cast<long long>(draws_));
        const std::int64_t rounds = proposals_ > 0 && draws_ > 0 ? (draws_ - 1) / every_ : 0;
        if (rounds > 0) {
            const std::vector<std::int64_t> taken = chains::counters(accepted_);
            const auto of_round = static_cast<double>(proposals_);
            std::snprintf(line + length, sizeof line - static_cast<std::size_t>(length),
                          "; %lld rounds of %lld proposals by the model, accepted %.3f, in the last round %.3f",
                          static_cast<long long>(rounds), static_cast<long long>(proposals_),
                          static_cast<double>(taken[0]) / (of_round * static_cast<double>(rounds)),
                          static_cast<double>(taken[1]) / of_round);
        }
        return line;
    }

    marginalia::StateDict state() const override {
        marginalia::StateDict state{
            {"places", chains::counters({draws_, drawn_.place(drawn_.count), proposed_.place(proposed_.count)})},
            {"accepted", accepted_.clone()}};
        buffer_->save(state);
        return state;
    }

    void load(const marginalia::StateDict& state) override {
        const std::vector<std::int64_t> places = chains::counters(state.at("places"));
        for (const std::int64_t place : {places.at(1), places.at(2)})
            if (place < 0 || place >= size_)
                throw marginalia::Error("the checkpoint goes on at state " + std::to_string(place) +
                                        " of a buffer of " + std::to_string(size_));
        buffer_->load(state);
        draws_ = places[0];
        drawn_ = {places[1], 0, size_};
        proposed_ = {places[2], 0, size_};
        accepted_.copy_(state.at("accepted"));
    }

private:
    void begin(at::Generator& generator) {
        buffer_->make_possible();
        buffer_->sweep({0, size_, size_}, burn_in_, generator);
    }

    // A round: no more rows at a time than a step of the training has.
    void propose(const marginalia::Network& network, at::Generator& generator) {
        const auto model =
            passes_ > 0 ? marginalia::few_pass_model(network, passes_) : marginalia::any_order_model(network);
        accepted_.select(0, 1).zero_();
        for (std::int64_t left = proposals_; left > 0; left -= proposed_.count) {
            proposed_ = proposed_.next(std::min(left, setup_.batch));
            propose_to(proposed_, *model, generator);
        }
    }

    void propose_to(const Window& window, const marginalia::Model& model, at::Generator& generator) {
        const at::Tensor here = buffer_->states(window);
        const marginalia::Generated there = model.generate(window.count, generator, [] {});
        const at::Tensor gain =
            buffer_->log_f(there.x) - there.log_p - buffer_->log_f(here) + model.log_density(here, generator, [] {});
        // Not a number where both are impossible, which accepts nothing.
        const at::Tensor accepted = at::rand(gain.sizes(), generator, gain.options()).log() < gain;
        buffer_->replace(window, there.x, accepted);
        accepted_ += accepted.sum();
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t sweeps_, every_, passes_, burn_in_;
    const std::int64_t size_, proposals_;  // states of the buffer, and of a round
    std::unique_ptr<replay::Buffer> buffer_;
    Window drawn_, proposed_;  // the last ones
    at::Tensor accepted_;      // proposals, (2) int64 on the device: in all, and in the last round
    std::int64_t draws_ = 0;
};

}  // namespace

MARGINALIA_SAMPLER(Replay, "replay", "chains on the energy that the model moves between modes", manual, parameters,
                   "energy");
