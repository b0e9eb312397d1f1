#include "kernel/train/score.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "kernel/train/checkpoint.h"
#include "kernel/train/sampling.h"
#include "kernel/train/state_source.h"
#include "kernel/train/trial_parts.h"

namespace marginalia {
namespace {

constexpr std::size_t piece = 1024;        // rows scored at a time
constexpr std::uint64_t score_stream = 3;  // of the request's seed

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

StateSource open_states(const TrialParts& parts, const std::string& source) {
    return {source, parts.domain.sites, parts.domain.categories,
            [&parts](std::string_view line, std::span<std::uint8_t> out) {
                if (parts.energy)
                    parts.energy->parse(line, out);
                else
                    parts.dataset->parse(line, out);
            }};
}

void score_by_energy(const TrialRequest& request, const PluginHost& plugins, const std::string& source,
                     std::ostream& out) {
    const TrialParts parts = build_energy(request, plugins);
    StateSource states = open_states(parts, source);
    const std::vector<Observable> observables = parts.energy->observables();
    auto bytes = states.next(piece);
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
            out << fmt::format("{},{}", first + row, log_f[row]);
            parts.energy->observe(rows[row], observed);
            for (const double value : observed) out << fmt::format(",{}", value);
            out << '\n';
        }
        out.flush();
        first += rows.size();
    }
}

void score_by_model(const TrialRequest& request, const PluginHost& plugins, const std::string& source,
                    std::ostream& out) {
    const TrialParts parts = build_model(request, plugins);
    CheckpointState state = load_checkpoint(request.checkpoint, *parts.network);
    parts.objective->load(state.parts["objective"]);
    StateSource states = open_states(parts, source);
    at::Generator generator = make_generator(parts.device, request.seed, score_stream);
    const at::NoGradGuard no_grad;
    const auto model = parts.objective->model(*parts.network, generator, [] {});
    const auto always = [](std::int64_t, std::int64_t) { return true; };
    const bool marginals = parts.objective->trains_marginals();
    auto bytes = states.next(piece);
    out << (marginals ? "row,log_marginal,log_density\n" : "row,log_density\n");
    for (std::size_t first = 0; !bytes.empty(); bytes = states.next(piece)) {
        const at::Tensor x = from_bytes({bytes, static_cast<std::size_t>(parts.domain.sites)});
        const at::Tensor marginal =
            marginals ? log_marginals(*model, x, piece, parts.device) : at::Tensor();
        const at::Tensor density = log_densities(*model, x, piece, generator, always);
        for (std::int64_t row = 0; row < x.size(0); ++row) {
            out << first + static_cast<std::size_t>(row);
            if (marginals) out << fmt::format(",{:.9g}", marginal[row].item<double>());
            out << fmt::format(",{:.9g}\n", density[row].item<double>());
        }
        out.flush();
        first += static_cast<std::size_t>(x.size(0));
    }
}

}  // namespace

void score(const TrialRequest& request, const PluginHost& plugins, const std::string& source, std::ostream& out) {
    if (request.checkpoint.empty())
        score_by_energy(request, plugins, source, out);
    else
        score_by_model(request, plugins, source, out);
}

}  // namespace marginalia
