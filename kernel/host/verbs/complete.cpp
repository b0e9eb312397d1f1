// `complete`: partial states filled in.
#include <filesystem>

#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_complete =
    R"(Known sites stay as they are; the others are drawn one after another in a random order, given the known ones. A
terminal is shown each given state and then its completions with their log p(unknown | known) in nats; the formats
of --out are those of `sample`, in .json with the given state too. In .npy files K or -1 is unknown.

Examples:
  marginalia complete last --given '01__0_1_' -n 4
  marginalia complete last --given halves.txt -n 8 -o completed.png)";

int complete_verb(const Common& common, const InferenceOptions& options, std::ostream&) {
    const OutputRequest output = choose_output(options.format, options.file, state_formats, true, options.pictures);
    InferenceRequest request = ask_model(common, options, InferenceRequest::Verb::complete, output);
    request.count = options.count > 0 ? options.count : 4;
    hand_over(request);
}

}  // namespace

void add_complete(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "complete", "Fill in the unknown sites of partial states, in any order", complete_verb);
    verb->footer(footer_of_complete);
    verb->add_option("trial", options.model.trial, a_trial)->required()->check(names_a_trial);
    add_states(verb, options.states, "--given");
    verb->add_option("-n,--count", options.count, "completions of each; 4 if left out")->check(whole_number(1));
    add_output_options(verb, options, forms_of_states);
    add_pictures(verb, options.pictures);
    add_drawing_options(verb, options.model);
    add_model_options(verb, options.model, "of what is drawn; 0 if left out");
}

}  // namespace marginalia
