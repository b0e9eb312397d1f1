#include "kernel/host/run/trials_result.h"

#include "kernel/host/results/results.h"
#include "store/queries.h"

namespace marginalia {

nlohmann::json trials_result(store::Store& store, const std::vector<store::Trial>& trials) {
    nlohmann::json result = {
        {"trials", nlohmann::json::array()}, {"status", "done"}, {"metrics", nlohmann::json::object()}};
    std::vector<store::TrialId> done;
    for (const store::Trial& trial : trials) {
        result["trials"].push_back(trial.id);
        if (trial.status == store::Status::done) {
            done.push_back(trial.id);
        } else if (result["status"] == "done") {
            result["status"] = store::name_of(trial.status);
            if (!trial.error.empty()) result["error"] = trial.error;
        }
    }
    if (done.empty()) return result;
    std::map<std::string, std::vector<double>> values;
    for (const auto& [trial, metrics] : store::metric_values(store, done, true))
        for (const auto& [name, value] : metrics) values[name].push_back(value);
    for (const auto& [name, list] : values) {
        const std::optional<Estimate> mean = estimate(list);
        if (!mean || mean->count == 0) continue;
        result["metrics"][name] = mean->mean;
        if (mean->standard_error) result["standard_errors"][name] = *mean->standard_error;
    }
    return result;
}

}  // namespace marginalia
