// `checkpoint export`: a trained model as a file.
#include <fmt/format.h>

#include "kernel/base/standard_output.h"
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_export =
    R"(The module is rebuilt from the trial's plugins, with the weights that sample and marginals use:
  log_marginal(x)        (B, D) int64 symbols 0..K-1, K where a site is unknown -> (B): log p(x_S) in nats
  conditional_logits(x)  (B, D) -> (B, D, K): logits of p(x_d | x_S), of use where x_d is unknown
Where the objective's log p is not the network's (mam-heat-bath and mam-balance add the energy's part and log Z; arm,
pcd, the gflownets and ao-arm train no marginals) there is no log_marginal: a line says so, and the bare network is the
module's `network`.

Examples:
  marginalia checkpoint export last --out model.pt
  python3 -c 'import torch; m = torch.jit.load("model.pt"); print(m.log_marginal(torch.full([1, 16], 2)))')";

struct CheckpointOptions {
    std::string trial;
    std::optional<std::int64_t> step;  // none: the newest
    std::filesystem::path file;        // empty: trial-N-step-S.pt
    std::vector<std::string> conditions;
};

// Becomes the worker program, which rebuilds the network and writes it.
int checkpoint_export_verb(const Common& common, const CheckpointOptions& options, std::ostream&) {
    if (options.file == "-") refuse_terminal("a checkpoint");
    InferenceRequest request =
        ask_model(common, {.trial = options.trial, .step = options.step, .conditions = options.conditions});
    request.verb = InferenceRequest::Verb::export_model;
    request.output.file = options.file.string();
    if (options.file.empty())
        request.output.file = fmt::format("trial-{}-step-{}.pt", request.trial_number, request.step);
    request.label += "; open it with torch.jit.load";
    hand_over(request);
}

}  // namespace

void add_checkpoint(CLI::App& app, CommandLine& line) {
    CLI::App* checkpoint = app.add_subcommand("checkpoint", "Networks kept in the store");
    checkpoint->require_subcommand(1)->fallthrough();
    const auto [verb, options] =
        add_store_verb(*checkpoint, line, "export",
                       "Write a trained model as a TorchScript file (torch.jit.load opens it)", checkpoint_export_verb);
    verb->footer(footer_of_export);
    verb->add_option("trial", options.trial, a_trial)->required()->check(names_a_trial);
    verb->add_option("--step", options.step, "of this step; the newest if left out")->check(whole_number(0));
    add_condition(verb, options.conditions);
    verb->add_option("-o,--out", options.file, "file to write, - for standard output; trial-N-step-S.pt if left out");
}

}  // namespace marginalia
