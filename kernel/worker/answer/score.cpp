#include "kernel/worker/answer/score.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>

#include "kernel/base/printable.h"
#include "kernel/worker/answer/table_answers.h"
#include "kernel/worker/answer/trained_model.h"
#include "kernel/worker/model/sampling.h"

namespace marginalia {
namespace {

constexpr int digits_of_model = 9;  // more are noise of its arithmetic

void refuse_unknown_sites(const std::vector<std::uint8_t>& bytes, std::size_t first_row, const Domain& domain) {
    const auto unknown = std::find(bytes.begin(), bytes.end(), domain.categories);
    if (unknown == bytes.end()) return;
    const auto row = static_cast<std::size_t>(unknown - bytes.begin()) / static_cast<std::size_t>(domain.sites);
    throw Error(fmt::format(
        "row {} has unknown sites; an energy takes full states (a trained model takes partial ones)", first_row + row));
}

void score_by_energy(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    const TrialParts parts = build_energy(request.trial, plugins);
    if (has_table(parts)) return score_table(parts, request, out);
    StateSource states = open_states(parts, request);
    const auto piece = static_cast<std::size_t>(request.batch);
    std::vector<std::string> names{"log_f"};
    for (const Observable& observable : parts.energy->observables()) names.push_back(observable.name);
    auto bytes = states.first(piece);
    const auto writer = make_score_writer(request.output.format, look_of(parts), names, 0, out);
    for (std::size_t first = 0; !bytes.empty(); bytes = states.next(piece)) {
        const States rows{bytes, static_cast<std::size_t>(parts.domain.sites)};
        refuse_unknown_sites(bytes, first, parts.domain);
        std::vector<double> log_f(rows.size()), figures(names.size());
        parts.batch_energy->evaluate(rows, log_f);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            figures[0] = log_f[row];
            parts.energy->observe(rows[row], std::span(figures).subspan(1));
            writer->row(rows[row], figures);
        }
        out.flush();
        first += rows.size();
    }
    writer->finish();
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
    std::vector<std::string> names{"log_density"};
    if (parts.objective->trains_marginals()) names.insert(names.begin(), "log_marginal");
    auto bytes = states.first(piece);
    const auto writer = make_score_writer(request.output.format, look_of(parts), names, digits_of_model, out);
    for (; !bytes.empty(); bytes = states.next(piece)) {
        const States rows{bytes, static_cast<std::size_t>(parts.domain.sites)};
        const at::Tensor x = from_bytes(rows);
        std::vector<at::Tensor> columns;
        if (names.size() == 2) columns.push_back(log_marginals(*trained.model, x, request.batch, parts.device));
        columns.push_back(log_densities(*trained.model, x, request.batch, trained.generator, always));
        const at::Tensor figures = at::stack(columns, 1).cpu().to(at::kDouble).contiguous();
        const auto* values = figures.const_data_ptr<double>();
        for (std::size_t row = 0; row < rows.size(); ++row)
            writer->row(rows[row], {values + row * names.size(), names.size()});
        out.flush();
    }
    writer->finish();
}

}  // namespace

void score(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    if (request.trial.checkpoint.empty()) score_by_energy(request, plugins, out);
    else score_by_model(request, plugins, out);
}

}  // namespace marginalia
