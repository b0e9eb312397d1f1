#include "kernel/host/run/start_from.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/spec/nearest.h"
#include "store/queries.h"

namespace marginalia {
namespace {

std::set<std::string> start_experiments(const Experiment& experiment) {
    std::set<std::string> names;
    for (const TrialConfig& trial : experiment.trials)
        if (const std::string start = train_of(trial.config).start_from; !start.empty())
            names.insert(start.substr(0, start.find('@')));
    if (experiment.stage1) names.erase(experiment.stage1->name);  // will have been run
    return names;
}

}  // namespace

void require_start_experiments(const Experiment& experiment, const std::filesystem::path& store) {
    const std::set<std::string> needed = start_experiments(experiment);
    if (needed.empty()) return;
    std::vector<std::string> finished;
    if (std::filesystem::exists(store)) {
        store::Store reader = store::Store::open_to_read(store);
        for (const store::ExperimentInfo& info : store::list_experiments(reader))
            if (info.by_status.contains(store::Status::done)) finished.push_back(info.name);
    }
    for (const std::string& name : needed)
        if (std::find(finished.begin(), finished.end(), name) == finished.end())
            throw Error(
                fmt::format("train.start_from = \"{}\": the store holds no finished trial of an experiment of "
                            "that name, so run it first{}",
                            name, suggestion(name, finished, "experiments with finished trials")));
}

}  // namespace marginalia
