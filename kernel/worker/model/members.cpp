#include "kernel/worker/model/members.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/script.h>

#include <algorithm>

#include "kernel/worker/model/trial_parts.h"

namespace marginalia {
namespace {

constexpr std::uint64_t first_order_stream = std::uint64_t{1} << 40;  // of the trial's seed; one a round

bool same_numbers(const at::Tensor& a, const at::Tensor& b) {
    return a.is_same(b) || (a.sizes() == b.sizes() && at::equal(a, b));
}

bool same_buffers(const Buffers& a, const Buffers& b) {
    return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
        return one.first == other.first && same_numbers(one.second, other.second);
    });
}

// As an attribute and not in place: another graph has buffers of another size.
void set_buffer(torch::jit::Module module, std::string_view name, const at::Tensor& value) {
    for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.')) {
        module = module.attr(std::string(name.substr(0, dot))).toModule();
        name.remove_prefix(dot + 1);
    }
    module.setattr(std::string(name), value);
}

// Of an energy whose log Z was not learnt.
class WithoutMarginals final : public Objective {
public:
    explicit WithoutMarginals(std::unique_ptr<Objective> inner) : inner_(std::move(inner)) {}

    at::Tensor loss(TrainingStep& step) override { return inner_->loss(step); }
    std::unique_ptr<Model> model(const Network& network, at::Generator& generator, const Tick& tick) const override {
        return inner_->model(network, generator, tick);
    }
    bool trains_marginals() const override { return false; }

private:
    const std::unique_ptr<Objective> inner_;
};

}  // namespace

Buffers buffers_of(const Network& network) {
    Buffers buffers;
    for (const auto& buffer : network.module().named_buffers()) buffers.emplace_back(buffer.name, buffer.value);
    return buffers;
}

Members::Members(std::string label, const Network& network) : network_(&network) {
    members_.push_back({std::move(label), {}, buffers_of(network)});
}

void Members::add(std::string label, bool learnt, Target target, Buffers seen) {
    for (const Member& other : members_)
        if (same_buffers(seen, other.seen))
            throw Error(
                fmt::format("the network sees no difference between the energies {} and {}; take one that is "
                            "given the energy's couplings: graph, or lattice-conv or unet with couplings = true",
                            other.label.empty() ? "[energy]" : other.label, label));
    // What is not of the energy stays one for all: a network may change it as it learns.
    for (std::size_t i = 0; i < seen.size(); ++i)
        if (const at::Tensor& first = members_.front().seen[i].second; same_numbers(seen[i].second, first))
            seen[i].second = first;
    if (learnt) ++learnt_;
    else if (!target.objective->parameters().empty())
        target.objective = std::make_unique<WithoutMarginals>(std::move(target.objective));
    members_.push_back({std::move(label), std::move(target), std::move(seen)});
}

void Members::go_to(std::size_t member, Target& at_hand) {
    if (member == at_hand_) return;
    std::swap(members_[at_hand_].target, at_hand);
    std::swap(members_[member].target, at_hand);
    for (const auto& [name, value] : members_[member].seen) set_buffer(network_->module(), name, value);
    at_hand_ = member;
}

std::size_t Members::learner(std::int64_t step, std::int64_t seed) const {
    if (learnt_ == 1) return 0;
    const auto count = static_cast<std::int64_t>(learnt_);
    const auto round = static_cast<std::uint64_t>((step - 1) / count);
    at::Generator generator = make_generator(at::kCPU, seed, first_order_stream + round);
    const at::Tensor order = at::randperm(count, generator, at::kLong);
    return static_cast<std::size_t>(order[(step - 1) % count].item<std::int64_t>());
}

}  // namespace marginalia
