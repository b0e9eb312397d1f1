#include "kernel/worker/evaluate/stages.h"

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/sampler.h>

#include <algorithm>

namespace marginalia {

namespace {

constexpr double short_stage = 1;  // s: what took less may be done again

}  // namespace

Stages::Stages(const TrialRequest& request, const Domain& domain, Recorder& recorder, std::int64_t step)
    : recorder_(recorder), step_(step), pause_(std::min(short_stage, request.checkpoint_seconds)),
      mixed_(!domain.site_categories.empty()) {
    if (!request.start_from.empty()) state_ = load_state(request.start_from);
    check(domain);
}

// It may come from a stranger's store, and energies take symbols on trust.
void Stages::check(const Domain& domain) const {
    const auto kept = state_.parts.find("states");
    if (kept == state_.parts.end()) return;
    for (const auto& [name, x] : kept->second)
        if (mixed_) saved_states(kept->second, name, domain);
        else if (x.scalar_type() != at::kByte || x.dim() != 2 || x.size(0) == 0 || x.size(1) != domain.sites ||
                 x.max().item<std::int64_t>() >= domain.categories)
            refuse("its states '" + name + "' are of other sites or symbols");
}

void Stages::refuse(const std::string& fault) {
    throw Error("what the store has kept of this evaluation does not fit the trial: " + fault +
                "; start it again with evaluate --again");
}

void Stages::once(const std::string& stage, const std::function<void()>& work) {
    StateDict& done = state_.parts["done"];
    if (done.contains(scope_ + stage)) return;
    work();
    done[scope_ + stage] = at::scalar_tensor(true, at::kBool);
    if (std::chrono::duration<double>(Clock::now() - recorded_).count() < pause_) return;
    recorder_.stream_checkpoint(step_, [&](const ByteSink& sink) { sink(save_state(state_)); });
    recorded_ = Clock::now();
}

void Stages::keep_states(const std::string& name, const at::Tensor& x) {
    state_.parts["states"][scope_ + name] = x.to(mixed_ ? at::kLong : at::kByte).contiguous();
}

at::Tensor Stages::states(const std::string& name) const {
    const auto kept = state_.parts.find("states");
    if (kept == state_.parts.end() || !kept->second.contains(scope_ + name)) return {};
    return kept->second.at(scope_ + name).to(at::kLong);
}

void Stages::keep_numbers(const std::string& name, const std::vector<double>& values) {
    state_.parts["numbers"][scope_ + name] = at::tensor(values, at::kDouble);
}

std::vector<double> Stages::numbers(const std::string& name) const {
    const auto kept = state_.parts.find("numbers");
    if (kept == state_.parts.end() || !kept->second.contains(scope_ + name)) return {};
    const at::Tensor values = kept->second.at(scope_ + name).to(at::kDouble).contiguous();
    return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

std::int64_t Stages::count(const std::string& name, std::int64_t most) const {
    const std::vector<double> kept = numbers(name);
    if (kept.size() != 1 || !(kept[0] >= 0 && kept[0] <= static_cast<double>(most)))
        refuse("its '" + name + "' is not a number from 0 to " + std::to_string(most));
    return static_cast<std::int64_t>(kept[0]);
}

void Stages::keep_figures(const Figures& figures) {
    for (const auto& [name, value] : figures)
        state_.parts["figures"][scope_ + name] = at::scalar_tensor(value, at::kDouble);
}

Figures Stages::figures() const {
    Figures figures;
    const auto kept = state_.parts.find("figures");
    if (kept == state_.parts.end()) return figures;
    for (const auto& [name, value] : kept->second)
        if (name.starts_with(scope_) && value.numel() == 1) figures[name.substr(scope_.size())] = value.item<double>();
    return figures;
}

}  // namespace marginalia
