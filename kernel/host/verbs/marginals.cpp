// `marginals`: log-marginals of given states.
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_marginals =
    R"(Unknown sites are _ or □ (K or -1 in .npy). The states may be any number; a batch of them is in memory at a time.
  .csv    row, log_marginal (nats), state; for a pipe and a terminal too
  .json   an object a line: row, text, log_marginal
  .npy    float64 (n)
log_marginal is what `score` prints under that name. Where the objective does not train it (ao-arm), ask `score` for
log_density.

Examples:
  printf '01__\n' | marginalia marginals last --states -
  marginalia marginals last --states '01__'
  marginalia marginals best:kl --states states.npy -o log_marginals.npy)";

constexpr FormatName marginal_formats[] = {
    {"csv", StateFormat::csv}, {"json", StateFormat::json}, {"npy", StateFormat::npy}};

int marginals_verb(const Common& common, const InferenceOptions& options, std::ostream&) {
    const OutputRequest output = choose_output(options.format, options.file, marginal_formats, false);
    hand_over(ask_model(common, options, InferenceRequest::Verb::marginals, output));
}

}  // namespace

void add_marginals(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "marginals", "Log-marginals of full or partial states, in one pass of the network", marginals_verb);
    verb->footer(footer_of_marginals);
    verb->add_option("trial", options.model.trial, a_trial)->required()->check(names_a_trial);
    add_states(verb, options.states);
    add_output_options(verb, options, "csv, json or npy, whatever the file's ending");
    add_model_options(verb, options.model, "of what the objective estimates, if anything");
}

}  // namespace marginalia
