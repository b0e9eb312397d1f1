#include "kernel/host/verbs/model_verbs.h"

#include "kernel/host/verbs/verb_footers.h"
#include "kernel/host/verbs/verb_parts.h"

namespace marginalia {
namespace {

constexpr const char* some_states = "file of states, one a line as the plugin prints them, or .npy; -: standard input";

void add_model_options(CLI::App* verb, ModelOptions& options, const char* seed_of) {
    verb->add_option("--step", options.step, "the trial's checkpoint of this step; the newest if left out")
        ->check(whole_number(0));
    verb->add_option("--seed", options.seed, seed_of)->check(whole_number(0));
    verb->add_option("--device", options.device, "cpu or cuda:N");
}

void add_batch(CLI::App* verb, std::int64_t& batch) {
    verb->add_option("--batch", batch, "rows that the network takes at a time; 512 if left out")
        ->check(whole_number(1, 1'000'000));
}

CLI::App* add_inference_verb(CLI::App& app, Request& request, const char* name, const char* about, const char* footer,
                             int (*verb)(const Common&, const InferenceOptions&)) {
    CLI::App* sub = add_store_verb(app, request, name, about,
                                   [verb](Request& r, std::ostream&) { return verb(r.common, r.inference); });
    sub->footer(footer);
    sub->add_option("trial", request.inference.model.trial, a_trial)->required()->check(names_a_trial);
    return sub;
}

void add_output_options(CLI::App* verb, InferenceOptions& options, const char* formats) {
    verb->add_option("-o,--out", options.file,
                     "file to write, its ending the format; standard output if left out or -");
    verb->add_option("--format", options.format, formats);
    add_batch(verb, options.batch);
}

void add_score(CLI::App& app, Request& request) {
    CLI::App* score =
        add_store_verb(app, request, "score", "Log-densities of given states, by an energy or a trained model, as CSV",
                       [](Request& r, std::ostream&) { return score_verb(r.common, r.score); });
    score->footer(score_footer);
    ScoreOptions& options = request.score;
    score->add_option("what", options.model.trial, std::string("experiment file, or ") + a_trial)
        ->required()
        ->check(names_a_trial);
    score->add_option("overrides", options.overrides, "key=value, of an experiment file");
    score->add_option("--states", options.states, some_states)->required();
    add_batch(score, options.batch);
    add_model_options(score, options.model, "draws the order of the conditionals");
}

}  // namespace

void add_model_verbs(CLI::App& app, Request& request) {
    InferenceOptions& options = request.inference;
    constexpr const char* forms = "text, csv, json, npy, png or svg, whatever the file's ending";

    CLI::App* sample =
        add_inference_verb(app, request, "sample", "Draw states with a trained model", sample_footer, sample_verb);
    sample->add_option("-n,--count", options.count, "how many states; 64 if left out")->check(whole_number(1));
    add_output_options(sample, options, forms);
    add_model_options(sample, options.model, "of what is drawn; 0 if left out");

    CLI::App* complete =
        add_inference_verb(app, request, "complete", "Fill in the unknown sites of partial states, in any order",
                           complete_footer, complete_verb);
    complete
        ->add_option("--given", options.states,
                     "a state with _ or □ for unknown, or a file of them, one a line, or .npy; -: standard input")
        ->required();
    complete->add_option("-n,--count", options.count, "completions of each; 4 if left out")->check(whole_number(1));
    add_output_options(complete, options, forms);
    add_model_options(complete, options.model, "of what is drawn; 0 if left out");

    CLI::App* marginals = add_inference_verb(app, request, "marginals",
                                             "Log-marginals of full or partial states, in one pass of the network",
                                             marginals_footer, marginals_verb);
    marginals->add_option("--states", options.states, some_states)->required();
    add_output_options(marginals, options, "csv, json or npy, whatever the file's ending");
    add_model_options(marginals, options.model, "of what the objective estimates, if anything");

    add_score(app, request);
}

}  // namespace marginalia
