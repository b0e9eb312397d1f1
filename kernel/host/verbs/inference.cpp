// `sample`, `complete` and `marginals`: what a trained model draws and knows.
#include <iostream>

#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"

namespace marginalia {
namespace {

constexpr FormatName state_formats[] = {{"text", StateFormat::text}, {"csv", StateFormat::csv},
                                        {"json", StateFormat::json}, {"npy", StateFormat::npy},
                                        {"png", StateFormat::png},   {"svg", StateFormat::svg}};
constexpr FormatName marginal_formats[] = {
    {"csv", StateFormat::csv}, {"json", StateFormat::json}, {"npy", StateFormat::npy}};

constexpr std::int64_t usual_samples = 64, usual_completions = 4;

// What the form is to be is told before the store is opened and a worker started.
[[noreturn]] void ask(const Common& common, const InferenceOptions& options, InferenceRequest::Verb verb,
                      const OutputRequest& output) {
    using Verb = InferenceRequest::Verb;
    InferenceRequest request = ask_model(common, options.model);
    request.verb = verb;
    request.states = options.states;
    std::error_code no_file;  // as for a state that is too long for a name
    request.states_are_text =
        verb == Verb::complete && options.states != "-" && !std::filesystem::exists(options.states, no_file);
    request.count = options.count > 0 ? options.count : verb == Verb::sample ? usual_samples : usual_completions;
    request.batch = options.batch;
    request.output = output;
    hand_over(request);
}

}  // namespace

int sample_verb(const Common& common, const InferenceOptions& options) {
    const OutputRequest output = choose_output(options.format, options.file, state_formats, true);
    ask(common, options, InferenceRequest::Verb::sample, output);
}

int complete_verb(const Common& common, const InferenceOptions& options) {
    const OutputRequest output = choose_output(options.format, options.file, state_formats, true);
    ask(common, options, InferenceRequest::Verb::complete, output);
}

int marginals_verb(const Common& common, const InferenceOptions& options) {
    const OutputRequest output = choose_output(options.format, options.file, marginal_formats, false);
    ask(common, options, InferenceRequest::Verb::marginals, output);
}

}  // namespace marginalia
