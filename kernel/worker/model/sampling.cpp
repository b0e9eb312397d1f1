#include "kernel/worker/model/sampling.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace marginalia {

Tick tick_of(const KeepGoing& keep_going, std::int64_t done, std::int64_t total) {
    return [&keep_going, done, total] {
        if (!keep_going(done, total)) throw Interrupted{};
    };
}

Generated draw_states(const Model& model, std::int64_t count, std::int64_t batch, at::Generator& generator,
                      const KeepGoing& keep_going, const Enough<Generated>& enough) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> states, densities;
    bool done = false;
    for (std::int64_t first = 0; first < count && !done; first += batch) {
        Generated piece = model.generate(std::min(batch, count - first), generator, tick_of(keep_going, first, count));
        piece = {piece.x.cpu(), piece.log_p.cpu()};
        states.push_back(piece.x);
        densities.push_back(piece.log_p);
        done = enough(piece);
    }
    return {at::cat(states), at::cat(densities)};
}

at::Tensor log_densities(const Model& model, const at::Tensor& x, std::int64_t batch, at::Generator& generator,
                         const KeepGoing& keep_going, const Enough<at::Tensor>& enough) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> densities;
    for (const at::Tensor& piece : x.split(batch)) {
        const auto done = static_cast<std::int64_t>(densities.size()) * batch;
        densities.push_back(
            model.log_density(piece.to(generator.device()), generator, tick_of(keep_going, done, x.size(0))).cpu());
        if (enough && enough(densities.back())) break;
    }
    return at::cat(densities);
}

at::Tensor log_marginals(const Model& model, const at::Tensor& x, std::int64_t batch, const at::Device& device,
                         const KeepGoing& keep_going) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> densities;
    for (const at::Tensor& piece : x.split(batch)) {
        if (keep_going && !keep_going(static_cast<std::int64_t>(densities.size()) * batch, x.size(0)))
            throw Interrupted{};
        densities.push_back(model.log_marginal(piece.to(device)).cpu());
    }
    return at::cat(densities);
}

}  // namespace marginalia
