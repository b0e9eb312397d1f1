// `evaluate`: kernel/host/run/evaluate.cpp does it.
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_evaluate =
    R"(Trains nothing: takes each trial's last checkpoint, and its own [evaluation] and [reference] but for the keys
that are given. The figures are kept beside those of other evaluations of the trial and shown from then on; show lists
the others. Stopped or killed, it goes on where it stopped when the same command is given again.

Examples:
  marginalia evaluate last evaluation.samples=20000
  marginalia evaluate 1 2 3 evaluation.ais_chains=256 run.device=cpu)";

struct EvaluateOptions {
    RunOptions run;
    std::vector<std::string> words;  // trials and overrides
};

std::vector<store::TrialId> trials_of(const std::vector<std::string>& names, const std::filesystem::path& file) {
    bring_up_to_date(file);
    store::Store store = store::Store::open_to_read(file);
    return find_trials(store, names);
}

int evaluate(const Common& common, const EvaluateOptions& options, std::ostream& out) {
    RunOptions run = completed(common, options.run);
    std::vector<std::string> names;
    for (const std::string& word : options.words) (word.find('=') == word.npos ? names : run.overrides).push_back(word);
    const std::vector<store::TrialId> trials = trials_of(names, run.store);
    if (trials.empty()) throw Error("no trial is named; `marginalia list` lists them");
    return evaluate_verb(run, trials, out);
}

}  // namespace

void add_evaluate(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "evaluate", "Evaluate finished trials, without training", evaluate);
    verb->footer(footer_of_evaluate);
    verb->add_option("trials", options.words,
                     "trials, and key=value of [evaluation], [reference] or [run], as evaluation.samples=20000")
        ->required();
    verb->add_flag("--again", options.run.again,
                   "also repeat evaluations that have been done in the same way, as for a new figure");
    add_quiet(verb, options.run);
}

}  // namespace marginalia
