#include "kernel/worker/answer/inference.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <marginalia/operators.h>

#include <iostream>
#include <optional>
#include <sstream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/worker/answer/asked.h"
#include "kernel/worker/answer/chain_sample.h"
#include "kernel/worker/answer/export_model.h"
#include "kernel/worker/answer/figures.h"
#include "kernel/worker/answer/score.h"
#include "kernel/worker/answer/table_answers.h"
#include "kernel/worker/answer/trained_model.h"
#include "kernel/worker/model/sampling.h"

namespace marginalia {
namespace {

// Rows `first`, ... of what was drawn; before_row(row) is called before each.
template <class BeforeRow>
void write_rows(Asked& asked, const Generated& drawn, StateWriter& writer, const BeforeRow& before_row) {
    const at::Tensor x = drawn.x.cpu(), log_p = drawn.log_p.cpu();
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(x.size(1))};
    asked.waiting.drawn(x.size(0));
    for (std::int64_t row = 0; row < x.size(0); ++row) {
        before_row(row);
        writer.row(rows[static_cast<std::size_t>(row)], log_p[row].item<double>());
    }
    asked.out.flush();
}

std::string sample_chains(Asked& asked, StateWriter& writer) {
    const auto write = [&](const Weighed& states) {
        write_rows(asked, {states.x, states.log_p}, writer, [&](std::int64_t row) {
            if (states.log_f.defined()) writer.energy(states.log_f[row].item<double>());
        });
    };
    return sample_by_chains(asked.request, asked.trained, asked.generator, asked.tick, write);
}

void sample_model(Asked& asked, StateWriter& writer) {
    const InferenceRequest& request = asked.request;
    for (std::int64_t first = 0; first < request.count; first += request.batch) {
        const std::int64_t rows = std::min(request.batch, request.count - first);
        write_rows(asked, asked.trained.model->generate(rows, asked.generator, asked.tick), writer,
                   [](std::int64_t) {});
    }
}

void sample(Asked& asked) {
    const auto writer =
        make_state_writer(asked.request.output, look_of(asked.trained.parts), false, asked.request.count, asked.out);
    std::string report;
    if (wants_chains(asked.request)) report = sample_chains(asked, *writer);
    else sample_model(asked, *writer);
    writer->finish();
    std::cerr << report;
}

void complete_all(Asked& asked, States given, const std::vector<std::string>& lines, StateWriter& writer) {
    const at::Tensor partial = from_bytes(given);
    const std::int64_t copies = asked.request.count, total = partial.size(0) * copies;
    for (std::int64_t first = 0; first < total; first += asked.request.batch) {
        const at::Tensor place =
            at::arange(first, std::min(first + asked.request.batch, total), at::kLong).div(copies, "floor");
        write_rows(asked, asked.completions.draw(partial, lines, place, asked.generator, asked.tick), writer,
                   [&](std::int64_t row) {
                       if ((first + row) % copies == 0)
                           writer.given(given[static_cast<std::size_t>((first + row) / copies)]);
                   });
    }
}

void complete(Asked& asked) {
    const InferenceRequest& request = asked.request;
    const TrialParts& parts = asked.trained.parts;
    const auto width = static_cast<std::size_t>(parts.domain.sites);
    const auto writer = make_state_writer(request.output, look_of(parts), true, 0, asked.out);
    StateSource states = open_states(parts, request);
    const auto piece = static_cast<std::size_t>(request.batch);
    for (auto bytes = states.first(piece); !bytes.empty(); bytes = states.next(piece))
        complete_all(asked, {bytes, width}, states.lines(), *writer);
    writer->finish();
    if (asked.completions.refused() > 0)
        std::cerr << fmt::format("{} of {} completions did not keep what was given and were drawn again\n",
                                 asked.completions.refused(), asked.completions.drawn());
}

void require_marginals(const Asked& asked) {
    const TrialParts& parts = asked.trained.parts;
    if (parts.objective->trains_marginals()) return;
    const std::string& objective = asked.request.trial.settings.plugin("objective").plugin;
    if (parts.members.at_hand() >= parts.members.learnt() && parts.target(0).objective->trains_marginals())
        throw Error(fmt::format(
            "objective '{}' has learnt log Z of the energies of the training alone, so that nothing says log p of "
            "partial states of {}; ask about one of those, or `marginalia score` for log_density",
            objective, parts.members.label(parts.members.at_hand())));
    throw Error(
        fmt::format("objective '{}' does not train log p of partial states in one pass, so that it says nothing; "
                    "`marginalia score` gives log_density",
                    objective));
}

void marginals(Asked& asked) {
    const InferenceRequest& request = asked.request;
    const TrialParts& parts = asked.trained.parts;
    StateSource states = open_states(parts, request);
    const auto piece = static_cast<std::size_t>(request.batch);
    auto bytes = states.first(piece);  // refused before anything is written
    const auto writer = make_marginal_writer(request.output.format, look_of(parts), asked.out);
    for (; !bytes.empty(); bytes = states.next(piece)) {
        const States rows{bytes, static_cast<std::size_t>(parts.domain.sites)};
        const at::Tensor values = log_marginals(*asked.trained.model, from_bytes(rows), request.batch, parts.device);
        for (std::size_t row = 0; row < rows.size(); ++row)
            writer->row(rows[row], values[static_cast<std::int64_t>(row)].item<double>());
        asked.out.flush();
    }
    writer->finish();
}

void answer(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    using Verb = InferenceRequest::Verb;
    if (request.verb == Verb::score) return score(request, plugins, out);
    const at::NoGradGuard no_grad;
    std::optional<PlainOperators> plain;  // other programs know no operators but LibTorch's
    if (request.verb == Verb::export_model) plain.emplace();
    TrainedModel trained = load_model(request, plugins, [] {});
    Asked asked{request, trained, trained.generator, out};
    if (request.verb == Verb::marginals || request.verb == Verb::figures) require_marginals(asked);
    if (has_table(trained.parts) && request.verb != Verb::export_model) return answer_of_table(asked);
    if (request.verb == Verb::sample) sample(asked);
    if (request.verb == Verb::complete) complete(asked);
    if (request.verb == Verb::marginals) marginals(asked);
    if (request.verb == Verb::figures) answer_figures(asked);
    if (request.verb != Verb::export_model) return;
    const std::string lack = export_model(trained, request.trial.settings.plugin("objective").plugin, out);
    if (!lack.empty()) std::cerr << lack << '\n';
}

}  // namespace

void infer(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out) {
    const std::string& name = request.output.file;
    Output output(name, out);
    if (!output.is_file() && request.output.format == StateFormat::npy) {
        std::stringstream whole(std::ios::in | std::ios::out | std::ios::binary);  // its head is written last
        answer(request, plugins, whole);
        out << whole.rdbuf();
    } else {
        answer(request, plugins, output.stream());
    }
    output.commit();
    if (!output.is_file()) return;
    std::cerr << printable(request.label) << '\n';
    out << name << '\n';
}

}  // namespace marginalia
