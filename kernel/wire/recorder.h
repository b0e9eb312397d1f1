// What a trial may tell the host, and the work it is given. The border between training and everything around it.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kernel/spec/settings.h"
#include "kernel/spec/stop_settings.h"

namespace marginalia {

// The sample that says that a finished training has kept its state (train.keep_state).
inline constexpr const char* kept_state_sample = "kept_state";

// Where bytes go part by part, each of any length.
using ByteSink = std::function<void(std::string_view part)>;

// Takes what a trial records. `metric` costs under a microsecond; no method waits for a disk or a pipe unless they are
// megabytes behind. All methods are called from the trial's own thread, `progress` and `stop_requested` by one thread
// at a time of those it waits for.
class Recorder {
public:
    virtual ~Recorder() = default;

    virtual void metric(std::string_view name, std::int64_t step, double value) = 0;
    virtual void final_metric(std::string_view name, double value) = 0;
    // kind: "states" (JSON, see docs/store.md), "svg" or "text".
    virtual void sample(std::string_view name, std::int64_t step, std::string_view kind, std::string data) = 0;
    virtual void checkpoint(std::int64_t step, std::string bytes) = 0;
    // The same of what `write` puts into the sink, which need never be in memory as a whole. What it throws passes
    // through and leaves no checkpoint.
    virtual void stream_checkpoint(std::int64_t step, const std::function<void(const ByteSink&)>& write) {
        std::string bytes;
        write([&bytes](std::string_view part) { bytes += part; });
        checkpoint(step, std::move(bytes));
    }
    // `done` of `total` steps are behind us, in the phase named ("training", "evaluation").
    virtual void progress(std::string_view phase, std::int64_t done, std::int64_t total) = 0;
    // A line for the person who waits, kept with the trial as well.
    void note(std::int64_t step, std::string text) { sample("note", step, "text", std::move(text)); }
    // From now on nothing is lost if the process ends: once the trial has been asked to stop, it is ended where it has
    // not stopped by itself within so many seconds, in whatever a plugin is doing. 0: not so, as in training.
    virtual void may_be_ended(double /*patience*/) {}
    // True once the host has asked the trial to checkpoint and stop.
    virtual bool stop_requested() = 0;
};

struct TrialRequest {
    TrialSettings settings;
    std::int64_t seed = 0;
    std::uint64_t ticket = 0;        // a number drawn by the host, with which the worker says that this trial ended
    std::string device = "cpu";      // "cpu", "cuda:N"
    int threads = 1;                 // set before LibTorch starts; for information here
    double checkpoint_seconds = 60;  // at most this long between checkpoints; 0: every step
    double exact_seconds = 300;      // for exact log-marginals; what would take longer is left out
    std::int64_t micro_batch = 0;    // less than train.micro_batch, after that has run out of memory; 0: as it says
    bool evaluate = false;  // the job is to evaluate what `checkpoint` of a finished training holds, not to train
    StopSettings stop = {};
    // The training stops at this step, if it has more, with a checkpoint and the metric that `stop` names recorded
    // there. Its learning rates stay those of all steps. 0: it does not.
    std::int64_t stop_at = 0;
    // The energy that a trained model is asked about where it is not the first that it has learnt: "coupling=0.3".
    std::string condition = {};
    double rate = 1;  // of the learning rate that the settings ask for: less once a step was not finite

    // Archives, which follow in pieces.
    std::string checkpoint = {};  // to go on from; empty: start anew
    // What a job begins with beside its checkpoint. Of a training, the checkpoint of another trial whose network
    // weights it starts from; of an evaluation, its own of the stages that are done. Empty: nothing.
    std::string start_from = {};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrialRequest, settings, seed, ticket, device, threads, checkpoint_seconds,
                                   exact_seconds, micro_batch, evaluate, stop, stop_at, condition, rate)

// stopped: because stop_requested(); the newest checkpoint stands. reached: the same because of TrialRequest::stop_at.
enum class TrialOutcome { done, stopped, reached };

// Thrown by a training whose loss or gradient is not finite.
class NotFinite : public Error {
public:
    using Error::Error;
};

class PluginHost;

// Train one trial (kernel/worker/train); evaluate it by `evaluation` of its config (kernel/worker/evaluate). Throw
// Error or any std::exception on failure. Take the request over, so as to let go of its archives once they have been
// read.
TrialOutcome run_trial(TrialRequest request, const PluginHost& plugins, Recorder& recorder);
TrialOutcome evaluate_trial(TrialRequest request, const PluginHost& plugins, Recorder& recorder);

}  // namespace marginalia
