#include "kernel/worker/answer/score.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/worker/answer/table_answers.h"
#include "kernel/worker/model/sampling.h"

namespace marginalia {
namespace {

// All digits, or so many.
std::string csv_number(double value, int digits = 0) {
    if (!std::isfinite(value)) return not_finite_name(value);
    return digits > 0 ? fmt::format("{:.{}g}", value, digits) : fmt::format("{}", value);
}

void score_by_energy(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    const TrialParts parts = build_energy(request.trial, plugins);
    StateSource states = open_states(parts, request);
    const auto piece = static_cast<std::size_t>(request.batch);
    const std::vector<Observable> observables = parts.energy->observables();
    auto bytes = states.first(piece);
    out << "row,log_f";
    for (const Observable& observable : observables) out << ',' << csv_field(observable.name);
    out << '\n';
    for (std::size_t first = 0; !bytes.empty(); bytes = states.next(piece)) {
        const States rows{bytes, static_cast<std::size_t>(parts.domain.sites)};
        const auto unknown = std::find(bytes.begin(), bytes.end(), parts.domain.categories);
        if (unknown != bytes.end())
            throw Error(fmt::format(
                "row {} has unknown sites; an energy takes full states (a trained model takes partial ones)",
                first + static_cast<std::size_t>(unknown - bytes.begin()) / rows.width));
        std::vector<double> log_f(rows.size()), observed(observables.size());
        parts.batch_energy->evaluate(rows, log_f);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            out << fmt::format("{},{}", first + row, csv_number(log_f[row]));
            parts.energy->observe(rows[row], observed);
            for (const double value : observed) out << "," + csv_number(value);
            out << '\n';
        }
        out.flush();
        first += rows.size();
    }
}

void score_by_model(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    const at::NoGradGuard no_grad;
    TrainedModel trained = load_model(request, plugins, [] {});
    const TrialParts& parts = trained.parts;
    if (has_table(parts)) {
        Asked asked{request, trained, trained.generator, out};
        return score_table(asked);
    }
    StateSource states = open_states(parts, request);
    const auto piece = static_cast<std::size_t>(request.batch);
    const auto always = [](std::int64_t, std::int64_t) { return true; };
    const bool marginals = parts.objective->trains_marginals();
    auto bytes = states.first(piece);
    out << (marginals ? "row,log_marginal,log_density\n" : "row,log_density\n");
    for (std::size_t first = 0; !bytes.empty(); bytes = states.next(piece)) {
        const at::Tensor x = from_bytes({bytes, static_cast<std::size_t>(parts.domain.sites)});
        const at::Tensor marginal =
            marginals ? log_marginals(*trained.model, x, request.batch, parts.device) : at::Tensor();
        const at::Tensor density = log_densities(*trained.model, x, request.batch, trained.generator, always);
        for (std::int64_t row = 0; row < x.size(0); ++row) {
            out << first + static_cast<std::size_t>(row);
            if (marginals) out << "," + csv_number(marginal[row].item<double>(), 9);
            out << "," + csv_number(density[row].item<double>(), 9) + "\n";
        }
        out.flush();
        first += static_cast<std::size_t>(x.size(0));
    }
}

}  // namespace

void score(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    if (request.trial.checkpoint.empty()) score_by_energy(request, plugins, out);
    else score_by_model(request, plugins, out);
}

}  // namespace marginalia
