#include "kernel/worker/train/quick_evaluation.h"

#include <ATen/ATen.h>

#include "kernel/spec/metrics.h"
#include "kernel/worker/evaluate/dataset_evaluation.h"
#include "kernel/worker/evaluate/family_figures.h"
#include "kernel/worker/model/as_trained.h"

namespace marginalia {

namespace {

// The first of the streams of a trial's seed that evaluations draw from.
constexpr std::uint64_t first_stream = 1'000'000;

// Seconds to the end of the process where what was learnt since the last checkpoint would be lost.
constexpr double patience = 10;

}  // namespace

bool QuickEvaluation::find_log_z() {
    const bool at_halt = request_.stop_at > 0 && request_.stop.metric.starts_with("kl");
    const bool needed = (evaluation_.every > 0 || at_halt) && evaluation_.quick_samples > 0;
    if (!parts_.energy || !needed) return true;
    recorder_.progress("exact log Z", 0, 0);
    for (std::size_t member = 0; member < parts_.members.learnt(); ++member)
        log_z_.push_back(parts_.target(member).energy->log_z());
    return !recorder_.stop_requested();
}

bool QuickEvaluation::is_due(std::int64_t step) const {
    if (evaluation_.every > 0 && step % evaluation_.every == 0) return true;
    return step == request_.stop_at && !watched_.is_recorded_at(step);
}

bool QuickEvaluation::run(std::int64_t step, bool bfloat16) {
    if (evaluation_.quick_samples == 0) return true;
    optimizer_.swap_average();
    recorder_.may_be_ended(patience);
    bool whole = true;
    try {
        record_all(step, bfloat16);
    } catch (const Interrupted&) {
        whole = false;
    }
    recorder_.may_be_ended(0);
    optimizer_.swap_average();
    return whole;
}

// All at once at the end: nothing of an evaluation that is broken off.
void QuickEvaluation::record_all(std::int64_t step, bool bfloat16) {
    std::vector<Figures> all;
    for (std::size_t member = 0; member < parts_.members.learnt(); ++member) {
        parts_.go_to(member);
        all.push_back(figures(step, bfloat16));
    }
    for (const auto& [name, value] : means_of(all)) watched_.record(name, step, value);
    for (std::size_t member = 0; member < all.size(); ++member)
        if (const std::string label = parts_.members.label(member); !label.empty())
            for (const auto& [name, value] : all[member]) watched_.record(member_metric(name, label), step, value);
}

Figures QuickEvaluation::figures(std::int64_t step, bool bfloat16) {
    const std::size_t member = parts_.members.at_hand();
    at::Generator generator = make_generator(parts_.device, request_.seed,
                                             member_stream(first_stream + static_cast<std::uint64_t>(step), member));
    at::Tensor drawn;
    const KeepGoing keep_going = [this](std::int64_t, std::int64_t) { return !recorder_.stop_requested(); };
    const at::NoGradGuard no_grad;
    const auto model = in_precision(parts_.objective->model(*parts_.network, generator, tick_of(keep_going)),
                                    *parts_.network, parts_.device, bfloat16);
    LogZ log_z;
    if (!log_z_.empty()) log_z.value = log_z_[member];
    return parts_.energy ? evaluate_samples(parts_, *model, log_z, {evaluation_.quick_samples, evaluation_.batch},
                                            generator, keep_going, drawn)
                         : validation_bits({parts_, *model, evaluation_, keep_going});
}

}  // namespace marginalia
