// `sample`: states drawn with a trained model.
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_sample =
    R"(Without --out a terminal is shown pictures where the sites lie in rows and columns or states are drawn, and text
otherwise; a pipe is given text. Pictures are of block characters where the terminal is not known to take others
(--pictures); --format blocks asks for these. Formats, which are also the endings of --out:
  .txt    a state a line, as the energy or dataset prints it
  .csv    a state a line, its symbols 0 to K-1 divided by commas
  .json   an object a line: text, states (the symbols), log_p (nats)
  .npy    uint8 (n, sites)
  .png    a grid of pictures; two symbols are black and white
  .svg    a grid of drawings, for molecules

Examples:
  marginalia sample last -n 64 -o samples.png
  marginalia sample last -n 64 --passes 64 -o quick.png    log_p is exact for what is drawn so (docs/inference.md)
  marginalia sample best:nll_bits -n 1000 --seed 1 -o samples.npy)";

int sample_verb(const Common& common, const InferenceOptions& options, std::ostream&) {
    const OutputRequest output = choose_output(options.format, options.file, state_formats, true, options.pictures);
    InferenceRequest request = ask_model(common, options, InferenceRequest::Verb::sample, output);
    request.count = options.count > 0 ? options.count : 64;
    hand_over(request);
}

}  // namespace

void add_sample(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "sample", "Draw states with a trained model", sample_verb);
    verb->footer(footer_of_sample);
    verb->add_option("trial", options.model.trial, a_trial)->required()->check(names_a_trial);
    verb->add_option("-n,--count", options.count, "how many states; 64 if left out")->check(whole_number(1));
    add_output_options(verb, options, forms_of_states);
    add_pictures(verb, options.pictures);
    add_drawing_options(verb, options.model);
    add_model_options(verb, options.model, "of what is drawn; 0 if left out");
}

}  // namespace marginalia
