#include "importance_codes.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

namespace marginalia {
namespace {

constexpr double least_log_scale = -7, most_log_scale = 3;
constexpr std::int64_t rows_at_once = 4096;  // of the decoder
constexpr std::uint64_t same_seed = 1;

// log N(0, 1) without its constant.
at::Tensor log_standard(const at::Tensor& e) { return -0.5 * e.square().sum({-1}); }

}  // namespace

CodeGuess::CodeGuess(const Network& network, const at::Tensor& x) : network_(network), x_(x) {
    const auto halves = network.by_rows("encode", {x}).to(at::kFloat).chunk(2, 1);
    mean_ = halves[0];
    log_scale_ = halves[1].clamp(least_log_scale, most_log_scale);
}

at::Tensor CodeGuess::weights_of(const at::Tensor& e) const {
    const at::Tensor z = mean_ + log_scale_.exp() * e;
    const at::Tensor logits = network_.by_rows("decode", {z.flatten(0, 1)});
    const at::Tensor x = x_.unsqueeze(0).expand({e.size(0), -1, -1}).flatten(0, 1);
    const at::Tensor log_p = log_p_of_sites(logits, x).view({e.size(0), e.size(1)});
    return (log_p + log_standard(z) - log_standard(e) + log_scale_.sum({1})).to(at::kDouble);
}

at::Tensor CodeGuess::log_weights(const at::Tensor& z) const {
    return weights_of(((z - mean_) * (-log_scale_).exp()).unsqueeze(0)).squeeze(0);
}

std::int64_t CodeGuess::codes_at_once() const {
    return std::max<std::int64_t>(1, rows_at_once / std::max<std::int64_t>(1, x_.size(0)));
}

CodeGuess::Weighed CodeGuess::weigh(std::int64_t codes, at::Generator& generator, const Tick& tick, bool pick) const {
    std::vector<at::Tensor> log_w, numbers;
    for (std::int64_t done = 0; done < codes; done += codes_at_once()) {
        const std::int64_t some = std::min(codes_at_once(), codes - done);
        const at::Tensor e =
            at::randn({some, mean_.size(0), mean_.size(1)}, generator, mean_.options().requires_grad(false));
        log_w.push_back(weights_of(e));
        if (pick) numbers.push_back(e);
        tick();
    }
    Weighed weighed{at::cat(log_w), {}};
    if (!pick) return weighed;
    const at::Tensor chosen =
        sample_symbols(weighed.log_w.t(), generator).view({1, -1, 1}).expand({1, -1, mean_.size(1)});
    weighed.picked = mean_ + log_scale_.exp() * at::cat(numbers).gather(0, chosen).squeeze(0);
    return weighed;
}

at::Tensor CodeGuess::weigh_by_same(std::int64_t codes) const {
    at::Generator generator = at::detail::createCPUGenerator(same_seed);
    std::vector<at::Tensor> log_w;
    for (std::int64_t done = 0; done < codes; done += codes_at_once()) {
        const std::int64_t some = std::min(codes_at_once(), codes - done);
        const at::Tensor e = at::randn({some, 1, mean_.size(1)}, generator, at::kFloat).to(mean_.device());
        log_w.push_back(weights_of(e.expand({some, mean_.size(0), mean_.size(1)})));
    }
    return at::cat(log_w);
}

at::Tensor log_mean(const at::Tensor& log_w) {
    return log_w.logsumexp({0}) - std::log(static_cast<double>(log_w.size(0)));
}

}  // namespace marginalia
