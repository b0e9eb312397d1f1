#include "kernel/worker/answer/free_energy.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

FreeEnergy::FreeEnergy(Asked& asked, const Conditioned& conditioned) : asked_(asked), conditioned_(conditioned) {
    if (!asked.trained.parts.energy)
        throw Error(
            "a free energy is that of an energy, and this trial learnt from a dataset; leave out --free-energy");
    if (asked.trained.model->density() != Model::Density::exact)
        throw Error(
            fmt::format("the density of objective '{}' is not exact, and a free energy by its states would not "
                        "be either; leave out --free-energy",
                        asked.request.trial.settings.plugin("objective").plugin));
    if (!asked.request.figures.exact) return;
    const double log_p = conditioned.exact_of_given();
    if (const auto log_z = asked.trained.parts.energy->log_z()) exact_ = -(*log_z + log_p);
}

void FreeEnergy::add_drawn(const Generated& drawn) {
    log_weights_.push_back(log_f_of(asked_.trained.parts, drawn.x) - drawn.log_p);
}

// From log w = log f - log p: Z(x_S) = E[w].
Figure FreeEnergy::by_draws() const {
    const at::Tensor log_weights = at::cat(log_weights_);
    const auto n = static_cast<double>(log_weights.numel());
    const double log_mean = log_weights.logsumexp(0).item<double>() - std::log(n);
    const double square = (2 * (log_weights - log_mean)).exp().mean().item<double>();
    Figure figure = begun("drawn", log_weights.numel());
    figure.value = -log_mean;
    figure.error = std::sqrt(std::max(0.0, square - 1) / (n - 1));
    return figure;
}

Figure FreeEnergy::by_marginal() const {
    Figure figure = begun("marginal", 1);
    const FiguresRequest& request = asked_.request.figures;
    figure.value = -(request.log_z + conditioned_.log_marginal());
    if (request.log_z_stderr > 0) figure.error = request.log_z_stderr;
    if (conditioned_.known() == 0) return figure;
    const Spread gap = spread_of(conditioned_.gaps_of_given(std::min(asked_.request.count, asked_.request.batch)));
    figure.gap = -gap.mean;
    figure.gap_error = gap.error;
    return figure;
}

Figure FreeEnergy::begun(const std::string& by, std::int64_t count) const {
    return {
        .name = "free_energy", .of = "given", .sites = conditioned_.known(), .exact = exact_, .by = by, .count = count};
}

std::vector<Figure> FreeEnergy::finish() const {
    std::vector<Figure> figures{by_draws()};
    if (std::isfinite(asked_.request.figures.log_z)) figures.push_back(by_marginal());
    return figures;
}

}  // namespace marginalia
