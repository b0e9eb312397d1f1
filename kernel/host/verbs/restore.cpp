// `restore`: trials back from the trash.
#include <fmt/format.h>

#include <filesystem>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"
#include "store/error.h"
#include "store/trash.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_restore =
    R"(Without trials it lists what is in the trash, which other verbs look into as into any store:
  marginalia --store marginalia.trash.db show 3

Trials come back by their numbers, unless another trial has that number now. One that has been trained again meanwhile
is not restored.

Examples:
  marginalia restore
  marginalia restore 3 5)";

struct RestoreOptions {
    std::vector<std::string> trials;
    std::string experiment;
};

int list_trash(store::Store& trash, const Common& common, std::ostream& out) {
    Table table({{"trial", true}, {"experiment"}, {"status"}, {"seed", true}, {"size", true}, {"removed", true}});
    const double now = now_seconds();
    for (const store::Trial& trial : store::list_trials(trash)) {
        const double removed = store::removed_at(trash, trial.id);
        const std::int64_t bytes = store::bytes_of_trial(trash, trial.id);
        table.add_row({Cell::integer(trial.id), trial.experiment, std::string(store::name_of(trial.status)),
                       Cell::integer(trial.seed), Cell(bytes_text(static_cast<std::uint64_t>(bytes)), bytes),
                       Cell(age_text(now - removed), removed)});
    }
    if (common.format == Format::text && table.size() == 0) out << "the trash is empty\n";
    else table.print(out, common.format, screen());
    return table.size() > 0 ? exit_ok : exit_no_match;
}

store::StoreError empty_trash(const std::filesystem::path& store) {
    return {store::StoreError::Kind::no_match, fmt::format("the trash of store {} is empty", store.string())};
}

int restore_verb(const Common& common, const RestoreOptions& options, std::ostream& out) {
    store::Store store = open_known_store(common.store);
    if (!std::filesystem::exists(store::trash_of(common.store))) throw empty_trash(common.store);
    store::Trash trash(store);
    store::Store& contents = trash.contents();
    if (options.trials.empty() && options.experiment.empty()) return list_trash(contents, common, out);
    std::vector<store::TrialId> trials = find_trials(contents, options.trials);
    if (!options.experiment.empty())
        for (const auto& trial :
             store::list_trials(contents, {.experiment = find_experiment(contents, options.experiment)}))
            trials.push_back(trial.id);
    const auto restored = trash.give_back(trials);
    out << fmt::format("{} {} back\n", trials_text(trials), trials.size() == 1 ? "is" : "are");
    for (const auto& one : restored)
        if (one.is != one.was) out << fmt::format("trial {} is trial {} now: its number was taken\n", one.was, one.is);
    return exit_ok;
}

}  // namespace

void add_restore(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "restore", "Bring trials back from the trash", restore_verb);
    verb->footer(footer_of_restore);
    CLI::Option* trials = verb->add_option("trials", options.trials, a_trial);
    verb->add_option("-e,--experiment", options.experiment, "all of this experiment's in the trash")->excludes(trials);
    add_format(verb, line, "of the list: text, csv, json or markdown");
}

}  // namespace marginalia
