// One trial from its config to its final figures.
#include <ATen/ATen.h>
#include <marginalia/files.h>
#include <torch/script.h>

#include <chrono>
#include <cmath>

#include "kernel/train/autocast.h"
#include "kernel/train/bfloat16_speed.h"
#include "kernel/train/checkpoint.h"
#include "kernel/train/dataset_evaluation.h"
#include "kernel/train/evaluation.h"
#include "kernel/train/facts.h"
#include "kernel/train/final_evaluation.h"
#include "kernel/train/optimizer.h"
#include "kernel/train/precision.h"
#include "kernel/train/trial_parts.h"

namespace marginalia {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Streams of the trial's seed that the generators draw from; training and evaluation never share one, so that how
// often a trial is evaluated does not change what it learns.
constexpr std::uint64_t quick_stream = 1'000'000;

std::vector<at::Tensor> all_parameters(const TrialParts& parts) {
    std::vector<at::Tensor> list = parts.network->parameters();
    for (const at::Tensor& own : parts.objective->parameters()) list.push_back(own);
    return list;
}

// With the weights to start from in place, before the optimiser begins its averages with them.
TrialParts started_parts(const TrialRequest& request, const PluginHost& plugins) {
    TrialParts parts = build_trial(request, plugins);
    if (!request.start_network.empty()) check_vocabulary(parts, load_weights(request.start_network, *parts.network));
    return parts;
}

class Trial {
public:
    Trial(const TrialRequest& request, const PluginHost& plugins, Recorder& recorder)
        : request_(request),
          plugins_(plugins),
          recorder_(recorder),
          train_(request.config.at("train")),
          evaluation_(request.config.at("evaluation")),
          steps_(train_.at("steps")),
          parts_(started_parts(request, plugins)),
          precision_(precision_here()),
          optimizer_(all_parameters(parts_), train_) {
        if (!request.checkpoint.empty()) restore();
    }

    TrialOutcome run() {
        check_evaluation();
        if (!finished_) {
            say_what_was_read();
            if (!precision_.report.empty()) recorder_.sample("precision", saved_, "text", precision_.report);
            if (!train()) return TrialOutcome::stopped;
            if (parts_.sampler)
                if (const std::string report = parts_.sampler->report(); !report.empty())
                    recorder_.sample("training_sampler", steps_, "text", report);
            optimizer_.swap_average();
            save(steps_);
        }
        return final_evaluation(request_, plugins_, parts_, recorder_) ? TrialOutcome::done : TrialOutcome::stopped;
    }

private:
    Precision precision_here() const {
        const std::string wanted = train_.at("precision");
        if (parts_.network->consistent() && wanted != "float32") {
            if (wanted == "auto") return {false, "float32, not bfloat16: this network's marginals are exact, and rounding would end that"};
            throw Error("train.precision = \"bfloat16\" would round the marginals of network '" +
                        request_.config.at("network").at("plugin").get<std::string>() +
                        "', which are exact; give \"float32\" or \"auto\"");
        }
        const bool cuda = parts_.device.is_cuda();
        const bool asked = wanted != "float32" && !cuda;
        return resolve_precision(wanted, cuda, asked ? bfloat16_speed(*parts_.network, train_.at("batch")) : 0);
    }

    // The host prints these two and `show` has them.
    void say_what_was_read() {
        constexpr std::size_t most_bytes = 900;
        if (parts_.dataset) recorder_.sample("dataset", saved_, "text", visible(facts_of(*parts_.dataset), most_bytes));
        if (!parts_.energy) return;
        if (const std::string report = parts_.energy->report(); !report.empty())
            recorder_.sample("energy", saved_, "text", visible(report, most_bytes));
    }

    // What cannot be evaluated is told before the training, not after it.
    void check_evaluation() const {
        if (parts_.dataset) ranking_sizes(evaluation_, parts_.domain.sites);
        at::Generator generator = make_generator(parts_.device, request_.seed, 0);
        build_reference_sampler(request_, plugins_, parts_, evaluation_.at("reference_chains"), generator);
    }

    // False if asked to stop, a checkpoint having been recorded.
    bool train() {
        const std::int64_t log_every = train_.at("log_every"), evaluate_every = evaluation_.at("every");
        auto last_log = Clock::now(), last_save = last_log;
        // Moved back by the training of earlier processes, and on by what evaluations take.
        auto started = last_log - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(trained_));
        const std::int64_t first = saved_ + 1;
        for (std::int64_t step = first; step <= steps_; ++step) {
            const auto metrics = one_step(step);
            const bool last = step == steps_;
            if (step % log_every == 0 || last) {
                for (const auto& [name, value] : metrics) recorder_.metric(name, step, value.item<double>());
                recorder_.metric("learning_rate", step, optimizer_.learning_rate(step));
                if (const auto norm = optimizer_.gradient_norm()) recorder_.metric("gradient_norm", step, *norm);
                const std::int64_t covered = std::min(step - first + 1, log_every);
                recorder_.metric("step_seconds", step, seconds_since(last_log) / static_cast<double>(covered));
                last_log = Clock::now();
            }
            recorder_.progress("training", step, steps_);
            if (evaluate_every > 0 && step % evaluate_every == 0 && !last) {
                recorder_.metric("train_seconds", step, seconds_since(started));
                const auto before = Clock::now();
                quick_evaluation(step);
                last_log += Clock::now() - before;
                started += Clock::now() - before;
            }
            if (last) break;
            const bool stop = recorder_.stop_requested();
            if (stop || seconds_since(last_save) >= request_.checkpoint_seconds) {
                trained_ = seconds_since(started);
                save(step);
                last_save = Clock::now();
            }
            if (stop) return false;
        }
        if (first <= steps_) {
            trained_ = seconds_since(started);
            recorder_.final_metric("step_seconds", trained_ / static_cast<double>(steps_));
            recorder_.final_metric("train_seconds", trained_);
        }
        return true;
    }

    std::map<std::string, at::Tensor> one_step(std::int64_t step) {
        TrainingStep state{step, *parts_.network, parts_.sampler.get(), parts_.batch_energy.get(), parts_.dataset.get(),
                           parts_.generator, {}};
        at::Tensor loss;
        bool updated = false;
        {
            const Autocast autocast(precision_.bfloat16, parts_.device.type());
            try {
                updated = parts_.objective->update(state, optimizer_.learning_rate(step));
                if (!updated) loss = parts_.objective->loss(state);
            } catch (const Error& error) {
                throw Error("objective '" + request_.config.at("objective").at("plugin").get<std::string>() +
                            "', step " + std::to_string(step) + ": " + error.what());
            }
        }
        if (updated) {
            optimizer_.average(step);
            return state.metrics;
        }
        if (loss.dim() != 0 || !std::isfinite(loss.item<double>()))
            throw Error("the loss of step " + std::to_string(step) +
                        " is not a finite number; lower train.learning_rate, or look at the energy with check-plugin");
        loss.backward();
        optimizer_.update(step);
        return state.metrics;
    }

    void save(std::int64_t step) {
        CheckpointState state;
        state.step = step;
        state.parts["objective"] = parts_.objective->state();
        if (step < steps_) {  // nothing more is drawn or learnt from a finished training
            state.parts["optimizer"] = optimizer_.state();
            if (parts_.sampler) state.parts["sampler"] = parts_.sampler->state();
            state.parts["generator"] = {{"state", parts_.generator.get_state()}};
            state.parts["time"] = {{"trained", at::scalar_tensor(trained_, at::kDouble)}};
            state.parts["precision"] = {{"bfloat16", at::scalar_tensor(precision_.bfloat16, at::kLong)}};
        }
        nlohmann::json trial = {{"config", request_.config}, {"seed", request_.seed}, {"step", step}};
        if (parts_.dataset) trial["vocabulary"] = parts_.dataset->vocabulary();
        recorder_.checkpoint(step, save_checkpoint(*parts_.network, trial.dump(), state));
        saved_ = step;
    }

    void restore() {
        CheckpointState state = load_checkpoint(request_.checkpoint, *parts_.network);
        check_vocabulary(parts_, state.trial_json);
        saved_ = state.step;
        parts_.objective->load(state.parts["objective"]);
        if (!state.parts.contains("optimizer")) {  // a finished training: its weights are the averaged ones already
            finished_ = true;
            return;
        }
        optimizer_.load(state.parts["optimizer"]);
        if (parts_.sampler) parts_.sampler->load(state.parts["sampler"]);
        parts_.generator.set_state(state.parts["generator"].at("state"));
        // Neither is in checkpoints of earlier builds.
        if (const auto time = state.parts.find("time"); time != state.parts.end()) trained_ = time->second.at("trained").item<double>();
        const auto found = state.parts.find("precision");
        if (found == state.parts.end()) return;
        const bool began = found->second.at("bfloat16").item<bool>();
        if (began != precision_.bfloat16) precision_ = {began, std::string(began ? "bfloat16" : "float32") + ", in which the trial began"};
    }

    void quick_evaluation(std::int64_t step) {
        const std::int64_t samples = evaluation_.at("quick_samples");
        if (samples == 0) return;
        optimizer_.swap_average();
        at::Generator generator = make_generator(parts_.device, request_.seed, quick_stream + static_cast<std::uint64_t>(step));
        at::Tensor drawn;
        const auto always = [](std::int64_t, std::int64_t) { return true; };
        const at::NoGradGuard no_grad;
        const auto model = parts_.objective->model(*parts_.network, generator, [] {});
        LogZ log_z;
        if (parts_.energy) log_z.value = parts_.energy->log_z();
        const std::int64_t batch = evaluation_.at("batch");
        for (const auto& [name, value] :
             parts_.energy ? evaluate_samples(parts_, *model, log_z, samples, batch, generator, always, drawn)
                           : validation_bits(parts_, *model, samples, evaluation_.at("nll_points"), batch))
            recorder_.metric(name, step, value);
        optimizer_.swap_average();
    }

    const TrialRequest& request_;
    const PluginHost& plugins_;
    Recorder& recorder_;
    const nlohmann::json& train_;
    const nlohmann::json& evaluation_;
    const std::int64_t steps_;
    TrialParts parts_;
    Precision precision_;
    Optimizer optimizer_;
    std::int64_t saved_ = 0;  // step of the newest checkpoint
    double trained_ = 0;      // seconds of training up to there
    bool finished_ = false;
};

}  // namespace

TrialOutcome run_trial(const TrialRequest& request, const PluginHost& plugins, Recorder& recorder) {
    return Trial(request, plugins, recorder).run();
}

}  // namespace marginalia
