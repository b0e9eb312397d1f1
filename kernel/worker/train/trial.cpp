// One trial from its config to the last checkpoint of its training.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/files.h>
#include <torch/script.h>

#include <chrono>

#include "kernel/spec/metrics.h"
#include "kernel/spec/precision.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/evaluate/dataset_evaluation.h"
#include "kernel/worker/machine/autocast.h"
#include "kernel/worker/machine/bfloat16_speed.h"
#include "kernel/worker/machine/cuda_arithmetic.h"
#include "kernel/worker/model/as_trained.h"
#include "kernel/worker/model/facts.h"
#include "kernel/worker/model/row_description.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/train/optimizer.h"
#include "kernel/worker/train/quick_evaluation.h"
#include "kernel/worker/train/step_watch.h"
#include "kernel/worker/train/watched_metric.h"

namespace marginalia {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Before the names of the parts that a finished training keeps: whoever reads it for its model passes over them. Its
// weights are the averaged ones, and those that were trained lie among the optimiser's averages.
constexpr const char* kept_part = "kept ";

// Of the last checkpoint of a training that ended before its last step.
constexpr const char* ended_part = "ended";

// With the weights to start from in place, before the optimiser begins its averages with them.
TrialParts started_parts(const TrialRequest& request, const PluginHost& plugins) {
    TrialParts parts = build_trial(request, plugins);
    if (!request.start_from.empty()) check_vocabulary(parts, load_weights(request.start_from, *parts.network));
    return parts;
}

TrainSettings with_rate(TrainSettings train, double rate) {
    train.learning_rate *= rate;
    return train;
}

class Trial {
public:
    Trial(const TrialRequest& request, const PluginHost& plugins, Recorder& recorder)
        : request_(request), plugins_(plugins), recorder_(recorder), train_(request.settings.train),
          evaluation_(request.settings.evaluation), steps_(train_.steps), end_(steps_),
          parts_(started_parts(request, plugins)), arithmetic_(train_, parts_.device), precision_(precision_here()),
          optimizer_(parts_.network->parameters(), with_rate(train_, request.rate), parts_.own_parameters()),
          watch_(parts_.device, request.settings.plugin("objective").plugin), watched_(request.stop, recorder),
          quick_(request, parts_, optimizer_, watched_, recorder) {
        parts_.network->limit_rows(request.micro_batch > 0 ? request.micro_batch : train_.micro_batch);
        if (!request.checkpoint.empty()) restore();
    }

    TrialOutcome run() {
        check_evaluation();
        if (!finished_) {
            if (!quick_.find_log_z())
                return TrialOutcome::stopped;  // nothing has been learnt since the last checkpoint
            recorder_.may_be_ended(0);
            say_what_was_read();
            if (!precision_.report.empty()) recorder_.sample("precision", saved_, "text", precision_.report);
            if (const std::string text = arithmetic_.text(); !text.empty())
                recorder_.sample("arithmetic", saved_, "text", text);
            if (request_.rate < 1)
                recorder_.sample("learning_rate", saved_, "text",
                                 fmt::format("{:g} of train.learning_rate, as a step was not finite", request_.rate));
            if (const TrialOutcome outcome = train(); outcome != TrialOutcome::done) return outcome;
            report_samplers();
            optimizer_.swap_average();
            if (train_.keep_state)
                recorder_.sample(kept_state_sample, end_, "text",
                                 "the optimiser's, the sampler's and the generator's, for a training of more steps");
            if (end_ < steps_)
                recorder_.note(
                    end_, fmt::format("the training is over at step {} of {}, as {}", end_, steps_, watched_.words()));
            save(end_);
        }
        return TrialOutcome::done;
    }

private:
    Precision precision_here() const {
        const std::string& wanted = train_.precision;
        if (!parts_.domain.site_categories.empty() && wanted != "float32") {
            if (wanted == "auto") return {.report = "float32, not bfloat16, which would round real numbers"};
            throw Error("train.precision = \"" + wanted + "\" would round real numbers; give \"float32\" or \"auto\"");
        }
        if (parts_.network->consistent() && wanted != "float32") {
            if (wanted == "auto")
                return {.report =
                            "float32, not bfloat16: this network's marginals are exact, and rounding would end that"};
            throw Error("train.precision = \"" + wanted + "\" would round the marginals of network '" +
                        request_.settings.plugin("network").plugin +
                        "', which are exact; give \"float32\" or \"auto\"");
        }
        const bool cuda = parts_.device.is_cuda(), asked = wanted == "auto" || wanted == "bfloat16";
        return resolve_precision(wanted, cuda,
                                 asked ? bfloat16_speed(*parts_.network, train_.batch, parts_.device) : 0);
    }

    // The host prints these two and `show` has them.
    void say_what_was_read() {
        constexpr std::size_t most_bytes = 900;
        if (parts_.dataset) recorder_.sample("dataset", saved_, "text", visible(facts_of(*parts_.dataset), most_bytes));
        if (!parts_.energy) return;
        if (const std::string report = parts_.energy->report(); !report.empty())
            recorder_.sample("energy", saved_, "text", visible(report, most_bytes));
    }

    void report_samplers() {
        std::string all;
        for (std::size_t member = 0; member < parts_.members.learnt(); ++member) {
            const Sampler* sampler = parts_.target(member).sampler.get();
            const std::string report = sampler ? sampler->report() : "", label = parts_.members.label(member);
            if (!report.empty()) all += (all.empty() ? "" : "; ") + (label.empty() ? "" : label + ": ") + report;
        }
        if (!all.empty()) recorder_.sample("training_sampler", end_, "text", all);
    }

    // Says what cannot be evaluated before the training, not after it.
    void check_evaluation() const {
        if (parts_.dataset) ranking_sizes(evaluation_, parts_.domain.sites);
        if (evaluation_.ranking_groups > 0 && !parts_.domain.site_categories.empty())
            throw Error(
                "evaluation.ranking_groups is for rows whose sites all have the same number of symbols; give 0");
        at::Generator generator = make_generator(parts_.device, request_.seed, 0);
        build_reference_sampler(request_, plugins_, parts_, evaluation_.reference_chains, generator);
    }

    // stopped, reached: a checkpoint has been recorded.
    TrialOutcome train() {
        const std::int64_t log_every = train_.log_every, halt = request_.stop_at, before_first = saved_;
        auto last_log = Clock::now(), last_save = last_log;
        // Moved back by the training of earlier processes, and on by what evaluations take.
        auto started = last_log - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(trained_));
        if (evaluation_due_) cool(saved_);
        if (evaluation_due_ && !quick_.run(saved_, precision_.bfloat16))
            return TrialOutcome::stopped;  // as the checkpoint says
        evaluation_due_ = false;
        std::int64_t step = saved_;
        while (!ends_at(step)) {
            if (step == halt && step > 0) return TrialOutcome::reached;
            const auto metrics = one_step(++step);
            if (step % log_every == 0 || step == steps_ || step == halt) {
                const std::int64_t covered = std::min(step - before_first, log_every);
                record_step(step, metrics, seconds_since(last_log) / static_cast<double>(covered));
                last_log = Clock::now();
            }
            recorder_.progress("training", step, steps_);
            if (step != steps_ && quick_.is_due(step)) {
                watch_.read();
                watched_.record("train_seconds", step, seconds_since(started));
                const auto before = Clock::now();
                if (!quick_.run(step, precision_.bfloat16)) {
                    trained_ = std::chrono::duration<double>(before - started).count();
                    evaluation_due_ = true;
                    save(step);
                    return TrialOutcome::stopped;
                }
                last_log += Clock::now() - before;
                started += Clock::now() - before;
            }
            if (ends_at(step)) break;
            if (step == halt) watched_.require_at(step);
            const bool stop = recorder_.stop_requested();
            if (stop || step == halt || seconds_since(last_save) >= request_.checkpoint_seconds) {
                trained_ = seconds_since(started);
                watch_.read();
                save(step);
                last_save = Clock::now();
            }
            if (stop && step != halt) return TrialOutcome::stopped;
        }
        end_ = step;
        if (end_ > 0) {
            trained_ = seconds_since(started);
            record_training();
        }
        return TrialOutcome::done;
    }

    bool ends_at(std::int64_t step) const { return step == steps_ || watched_.has_plateau(); }

    void record_step(std::int64_t step, const std::map<std::string, at::Tensor>& metrics, double seconds) {
        std::vector<at::Tensor> figures;
        for (const auto& [name, value] : metrics) figures.push_back(value);
        const at::Tensor& norm = optimizer_.gradient_norm();
        if (norm.defined()) figures.push_back(norm);
        const std::vector<double> read = watch_.read(figures);
        std::size_t next = 0;
        for (const auto& [name, value] : metrics) record_of_member(name, step, read[next++]);
        watched_.record("learning_rate", step, optimizer_.learning_rate(step));
        if (parts_.cooling) watched_.record("anneal", step, parts_.cooling->beta());
        if (norm.defined()) watched_.record("gradient_norm", step, read[next]);
        watched_.record("step_seconds", step, seconds);
    }

    // Of a family under its own name too.
    void record_of_member(const std::string& name, std::int64_t step, double value) {
        watched_.record(name, step, value);
        if (const std::string label = parts_.members.label(parts_.members.at_hand()); !label.empty())
            watched_.record(member_metric(name, label), step, value);
    }

    void record_training() {
        recorder_.final_metric("step_seconds", trained_ / static_cast<double>(end_));
        recorder_.final_metric("train_seconds", trained_);
        if (optimizer_.gradient_norm().defined())
            recorder_.final_metric("clipped", watch_.read({optimizer_.clipped()})[0] / static_cast<double>(end_));
    }

    // All members, of whose marginals an evaluation after the step may be.
    void cool(std::int64_t step) {
        for (std::size_t member = 0; member < parts_.members.learnt(); ++member)
            if (Cooling* cooling = parts_.target(member).cooling.get()) cooling->go_to(step);
    }

    std::map<std::string, at::Tensor> one_step(std::int64_t step) {
        parts_.go_to(parts_.members.learner(step, request_.seed));
        cool(step);
        TrainingStep state{parts_.members.own_step(step),
                           *parts_.network,
                           parts_.sampler.get(),
                           parts_.step_energy(),
                           parts_.dataset.get(),
                           parts_.generator,
                           {},
                           parts_.host_generator,
                           {},
                           parts_.rows};
        at::Tensor loss;
        bool updated = false;
        {
            const Autocast autocast(precision_.bfloat16, parts_.device.type());
            autocast.cast(parts_.network->parameters());
            try {
                updated = parts_.objective->update(state, optimizer_.learning_rate(step));
                if (!updated) loss = parts_.objective->loss(state);
            } catch (const Error& error) {
                watch_.read();  // what went wrong before comes first
                throw Error("objective '" + request_.settings.plugin("objective").plugin + "', step " +
                            std::to_string(step) + ": " + error.what());
            }
        }
        if (updated) {
            optimizer_.average(step);
            watch_.note(step, {}, {}, std::move(state.doubts));
            return state.metrics;
        }
        if (loss.dim() != 0)
            throw Error("the loss of step " + std::to_string(step) +
                        " is not a scalar; look at the objective with check-plugin");
        loss.backward();
        optimizer_.update(step);
        watch_.note(step, loss, optimizer_.gradient_norm(), std::move(state.doubts));
        return state.metrics;
    }

    void save(std::int64_t step) {
        parts_.go_to(0);  // whose view of the energy lies in the checkpoint
        CheckpointState state;
        state.step = step;
        for (std::size_t member = 0; member < parts_.members.learnt(); ++member)
            state.parts[member_part("objective", member)] = parts_.target(member).objective->state();
        const bool finished = step == end_;
        if (finished && step < steps_) state.parts[ended_part] = {{"step", at::scalar_tensor(step, at::kLong)}};
        if (!finished || train_.keep_state) {  // else nothing more is drawn or learnt from a finished training
            const std::string kept = finished ? kept_part : "";
            state.parts[kept + "optimizer"] = optimizer_.state();
            for (std::size_t member = 0; parts_.sampler && member < parts_.members.learnt(); ++member)
                state.parts[kept + member_part("sampler", member)] = parts_.target(member).sampler->state();
            state.parts[kept + "generator"] = generators();
            state.parts[kept + "time"] = {{"trained", at::scalar_tensor(trained_, at::kDouble)}};
            if (request_.stop.plateau > 0) state.parts["plateau"] = watched_.state();
            if (evaluation_due_) state.parts["evaluation"] = {{"due", at::scalar_tensor(true, at::kBool)}};
        }
        state.parts["precision"] = {{"bfloat16", at::scalar_tensor(precision_.bfloat16, at::kLong)}};
        nlohmann::json trial = {{"config", request_.settings}, {"seed", request_.seed}, {"step", step}};
        if (parts_.dataset) {
            trial["vocabulary"] = parts_.dataset->vocabulary();
            trial["domain"] = json_of(parts_.domain);
            if (!parts_.domain.site_categories.empty()) trial["columns"] = json_of(parts_.dataset->site_list());
        }
        recorder_.stream_checkpoint(
            step, [&](const ByteSink& sink) { write_checkpoint(*parts_.network, trial.dump(), state, sink); });
        saved_ = step;
    }

    StateDict generators() const {
        StateDict states{{"state", parts_.generator.get_state()}};
        if (!parts_.device.is_cpu()) states["host"] = parts_.host_generator.get_state();
        return states;
    }

    void restore() {
        CheckpointState state = load_checkpoint(request_.checkpoint, *parts_.network);
        check_vocabulary(parts_, state.trial_json);
        saved_ = state.step;
        if (saved_ < 0 || saved_ > steps_)
            throw Error("the checkpoint says that it is of step " + std::to_string(saved_) + " of " +
                        std::to_string(steps_));
        load_objective(parts_, state);
        if (saved_ == steps_ ||
            state.parts.contains(ended_part)) {  // a finished training: its weights are the averaged ones already
            finished_ = true;
            return;
        }
        const bool longer = state.parts.contains(kept_part + std::string("optimizer"));  // than the one that ended here
        if (longer) {
            std::vector<std::string> names{"optimizer", "generator", "time"};
            for (std::size_t member = 0; member < parts_.members.learnt(); ++member)
                names.push_back(member_part("sampler", member));
            for (const std::string& part : names)
                if (const auto kept = state.parts.find(kept_part + part); kept != state.parts.end())
                    state.parts[part] = std::move(kept->second);
        }
        if (!state.parts.contains("optimizer"))
            throw Error("the checkpoint is of a training that ended at step " + std::to_string(saved_) +
                        " and has not kept the state to go on from; train.keep_state = true keeps it");
        restore_training(state);
        if (!longer) return;
        optimizer_.swap_average();
        const std::int64_t every = evaluation_.every;
        evaluation_due_ = every > 0 && saved_ % every == 0;  // the last step has none
    }

    void restore_training(CheckpointState& state) {
        check_state("optimizer", optimizer_.state(), state.parts["optimizer"]);
        optimizer_.load(state.parts["optimizer"]);
        if (parts_.sampler) load_sampler(parts_, state);
        check_state("generator", generators(), state.parts["generator"]);
        parts_.generator.set_state(state.parts["generator"].at("state"));
        if (!parts_.device.is_cpu()) parts_.host_generator.set_state(state.parts["generator"].at("host"));
        evaluation_due_ = state.parts.contains("evaluation");
        if (const auto plateau = state.parts.find("plateau"); plateau != state.parts.end())
            watched_.load(plateau->second);
        // Neither is in checkpoints of earlier builds.
        if (state.parts.contains("time")) {
            check_state("time", {{"trained", at::scalar_tensor(trained_, at::kDouble)}}, state.parts["time"]);
            trained_ = state.parts["time"].at("trained").item<double>();
        }
        if (!state.parts.contains("precision")) return;
        const bool began = trained_in_bfloat16(state);
        if (began != precision_.bfloat16)
            precision_ = {.bfloat16 = began,
                          .tf32 = precision_.tf32,
                          .report = std::string(began ? "bfloat16" : "float32") + ", in which the trial began"};
    }

    const TrialRequest& request_;
    const PluginHost& plugins_;
    Recorder& recorder_;
    const TrainSettings& train_;
    const EvaluationSettings& evaluation_;
    const std::int64_t steps_;
    std::int64_t end_;  // the last step: fewer where the metric of [stop] has stopped improving
    TrialParts parts_;
    const CudaArithmetic arithmetic_;
    Precision precision_;
    Optimizer optimizer_;
    StepWatch watch_;
    WatchedMetric watched_;
    QuickEvaluation quick_;
    std::int64_t saved_ = 0;  // step of the newest checkpoint
    double trained_ = 0;      // seconds of training up to there
    bool finished_ = false;
    bool evaluation_due_ = false;  // the quick evaluation at the newest checkpoint was broken off
};

}  // namespace

TrialOutcome run_trial(TrialRequest request, const PluginHost& plugins, Recorder& recorder) {
    recorder.may_be_ended(patience_when_saved);  // plugins may take long to construct
    Trial trial(request, plugins, recorder);
    for (std::string* archive : {&request.checkpoint, &request.start_from}) std::string().swap(*archive);
    return trial.run();
}

}  // namespace marginalia
