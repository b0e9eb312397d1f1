#include "kernel/host/results/trial_json.h"

#include <cmath>
#include <sstream>

#include "kernel/base/printable.h"
#include "kernel/host/results/stored_json.h"
#include "store/rungs.h"

namespace marginalia {
namespace {

nlohmann::json number_or_text(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(not_finite_name(value));
}

}  // namespace

nlohmann::json tags_of(const store::Trial& trial) {
    nlohmann::json tags = nlohmann::json::array();
    std::istringstream words(trial.tags);
    for (std::string tag; std::getline(words, tag, ',');) tags.push_back(tag);
    return tags;
}

nlohmann::ordered_json trial_json(store::Store& store, const store::TrialDetails& details) {
    const store::Trial& trial = details.trial;
    const auto time = [](const std::optional<double>& t) { return t ? nlohmann::json(*t) : nlohmann::json(); };
    nlohmann::ordered_json json = {{"trial", trial.id},
                                   {"experiment", trial.experiment},
                                   {"status", store::name_of(trial.status)},
                                   {"seed", trial.seed},
                                   {"config_hash", trial.config_hash}};
    json["config"] = stored_json(trial.config);
    json["final_metrics"] = nlohmann::json::object();
    for (const store::FinalMetric& metric : details.final_metrics)
        json["final_metrics"][metric.name] = number_or_text(metric.value);
    json["metrics"] = nlohmann::json::object();
    for (const store::MetricSummary& metric : details.metrics)
        json["metrics"][metric.name] = {{"last", number_or_text(metric.last)}, {"last_step", metric.last_step},
                                        {"min", number_or_text(metric.min)},   {"min_step", metric.min_step},
                                        {"max", number_or_text(metric.max)},   {"points", metric.n},
                                        {"not_finite", metric.nonfinite}};
    json["evaluations"] = nlohmann::json::array();
    for (const store::EvaluationInfo& one : details.evaluations) {
        nlohmann::ordered_json figures = nlohmann::json::object();
        for (const store::FinalMetric& figure : one.figures) figures[figure.name] = number_or_text(figure.value);
        json["evaluations"].push_back({{"shown", one.shown},
                                       {"status", store::name_of(one.status)},
                                       {"config", stored_json(one.config)},
                                       {"figures", figures}});
    }
    json["rungs"] = nlohmann::json::array();
    for (const store::Rung& rung : store::rungs_of(store, trial.id))
        json["rungs"].push_back({{"rung", rung.number},
                                 {"step", rung.step},
                                 {"value", number_or_text(rung.value)},
                                 {"decision", store::name_of(rung.decision)}});
    json["checkpoints"] = nlohmann::json::array();
    for (const store::CheckpointInfo& checkpoint : details.checkpoints)
        json["checkpoints"].push_back(
            {{"step", checkpoint.step}, {"bytes", checkpoint.bytes}, {"created", checkpoint.created}});
    json["created"] = time(trial.created);
    json["started"] = time(trial.started);
    json["finished"] = time(trial.finished);
    json["device"] = trial.device;
    const store::Hardware& hardware = details.hardware;
    if (hardware.memory > 0 || !(hardware.name + hardware.id + hardware.driver).empty())
        json["hardware"] = {
            {"name", hardware.name}, {"id", hardware.id}, {"bytes", hardware.memory}, {"driver", hardware.driver}};
    json["host"] = trial.host;
    json["attempts"] = trial.attempts;
    json["error"] = trial.error;
    json["tags"] = tags_of(trial);
    json["notes"] = nlohmann::json::array();
    for (const store::Note& note : details.notes)
        json["notes"].push_back({{"created", note.created}, {"text", note.text}});
    json["provenance"] = stored_json(details.sweep.provenance);
    return json;
}

}  // namespace marginalia
