// Runs trials in this process, for tests of training and evaluation.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/wire/recorder.h"
#include "kernel/worker/machine/runtime.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {

inline const PluginHost& shipped_plugins() {
    static const auto* host = [] {
        if (MARGINALIA_TEST_THREADS > 0) configure_torch(MARGINALIA_TEST_THREADS);
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(MARGINALIA_PLUGIN_DIR))
            files.push_back(entry.path());
        return new PluginHost(files);
    }();
    return *host;
}

// Keeps everything a trial records; asks it to stop after step `stop_after`.
struct MemoryRecorder : Recorder {
    void metric(std::string_view name, std::int64_t step, double value) override {
        metrics[{std::string(name), step}] = value;
    }
    void final_metric(std::string_view name, double value) override { finals[std::string(name)] = value; }
    void sample(std::string_view name, std::int64_t, std::string_view, std::string data) override {
        samples[std::string(name)] = std::move(data);
    }
    void checkpoint(std::int64_t step, std::string bytes) override { checkpoints.emplace_back(step, std::move(bytes)); }
    void progress(std::string_view phase, std::int64_t done, std::int64_t) override {
        if (phase == "training") step = done;
    }
    bool stop_requested() override { return stop_after >= 0 && step >= stop_after; }

    std::map<std::pair<std::string, std::int64_t>, double> metrics;
    std::map<std::string, double> finals;
    std::map<std::string, std::string> samples;
    std::vector<std::pair<std::int64_t, std::string>> checkpoints;
    std::int64_t step = 0, stop_after = -1;
};

// Both jobs of a trial, as the host gives them: trains it, then evaluates what that left.
template <class Kept>
TrialOutcome run_whole_trial(TrialRequest request, const PluginHost& plugins, Kept& recorder) {
    TrialRequest evaluation = request;
    if (run_trial(std::move(request), plugins, recorder) == TrialOutcome::stopped) return TrialOutcome::stopped;
    if (!recorder.checkpoints.empty()) evaluation.checkpoint = recorder.checkpoints.back().second;
    evaluation.evaluate = true;
    evaluation.start_from.clear();
    const std::size_t trained = recorder.checkpoints.size();
    const TrialOutcome outcome = evaluate_trial(std::move(evaluation), plugins, recorder);
    recorder.checkpoints.resize(trained);
    return outcome;
}

// The one trial of an experiment given as text.
inline TrialRequest request_of(const std::string& toml) {
    const Experiment experiment = parse_experiment(toml, "test.toml", {}, shipped_plugins().catalogue());
    TrialRequest request;
    request.settings = experiment.trials.at(0).config;
    request.seed = experiment.trials.at(0).seed;
    request.checkpoint_seconds = 1e9;
    return request;
}

}  // namespace marginalia
