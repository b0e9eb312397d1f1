#include "kernel/worker/answer/proposals.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {
namespace {

constexpr std::uint64_t exchange_stream = 11;  // of the request's seed

}  // namespace

Proposals::Proposals(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator,
                     const Tick& tick)
    : request_(request), trained_(trained), generator_(generator), tick_(tick) {
    if (request.holding.empty()) return;
    const TrialParts& parts = trained.parts;
    const Holding holding = holding_of("--holding", request.holding, parts.domain.sites, parts.domain.categories);
    holding_.emplace(*parts.network, holding, parts.device);
    if (parts.energy) exchanges_.emplace(*parts.energy, holding);
}

Weighed Proposals::draw(std::int64_t count) const {
    std::vector<Weighed> pieces;
    for (std::int64_t left = count; left > 0; left -= request_.batch)
        pieces.push_back(draw_piece(std::min(left, request_.batch)));
    return joined(pieces);
}

Weighed Proposals::draw_piece(std::int64_t count) const {
    const Generated drawn =
        holding_ ? holding_->draw(count, generator_, tick_) : trained_.model->generate(count, generator_, tick_);
    Weighed states{drawn.x.cpu(), {}, {}, {}};
    if (!holding_) states.log_p = drawn.log_p.cpu();
    return weighed(states, drawn.log_p.cpu());
}

Weighed Proposals::weighed(Weighed states, const at::Tensor& log_q) const {
    if (request_.metropolis || exchanges_) states.log_f = log_f_of(trained_.parts, states.x);
    if (!request_.metropolis) states = with_log_p(std::move(states));
    states.log_target = request_.metropolis ? states.log_f : states.log_p;
    states.log_w = states.log_target - log_q;
    return states;
}

Weighed Proposals::with_log_p(Weighed states) const {
    if (states.log_p.defined()) return states;
    const at::Tensor x = states.x.to(trained_.parts.device);
    states.log_p = trained_.model->log_density(x, generator_, tick_).cpu();
    return states;
}

Weighed Proposals::exchanged(const Weighed& here, std::int64_t sweeps) {
    Weighed there{swept(here.x, sweeps), {}, {}, {}};
    const at::Tensor x = there.x.to(trained_.parts.device);
    there = weighed(there, holding_->log_density(x, generator_, tick_).cpu());
    if (request_.metropolis) return there;
    const std::int64_t rows = x.size(0);
    const at::Tensor gain = (there.log_p - there.log_f) - (here.log_p - here.log_f);
    const at::Tensor u = at::rand({rows}, generator_, at::TensorOptions(at::kDouble).device(generator_.device()));
    const at::Tensor accepted = (u.log().cpu() < gain).to(at::kLong);
    exchanged_ += rows;
    accepted_ += accepted.sum().item<std::int64_t>();
    return joined({here, there}).rows(at::arange(rows) + rows * accepted);
}

at::Tensor Proposals::swept(const at::Tensor& x, std::int64_t sweeps) {
    for (auto chain = static_cast<std::int64_t>(random_.size()); chain < x.size(0); ++chain)
        random_.emplace_back(FastRandom(static_cast<std::uint64_t>(request_.trial.seed) + (exchange_stream << 32),
                                        static_cast<std::uint64_t>(chain)));
    std::vector<std::uint8_t> bytes = to_bytes(x);
    const auto sites = static_cast<std::size_t>(x.size(1));
    in_parallel(x.size(0), [&](std::int64_t first, std::int64_t end) {
        for (auto chain = static_cast<std::size_t>(first); chain < static_cast<std::size_t>(end); ++chain)
            for (std::int64_t sweep = 0; sweep < sweeps; ++sweep)
                exchanges_->sweep(std::span(bytes).subspan(chain * sites, sites), random_[chain]);
    });
    return from_bytes({bytes, sites});
}

double Proposals::share_exchanged() const {
    return static_cast<double>(accepted_) / static_cast<double>(std::max<std::int64_t>(1, exchanged_));
}

}  // namespace marginalia
