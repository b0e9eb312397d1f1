#include "kernel/worker/model/as_trained.h"

#include <ATen/ATen.h>

#include "kernel/spec/precision.h"
#include "kernel/worker/machine/autocast.h"

namespace marginalia {
namespace {

class InBfloat16 final : public Model {
public:
    InBfloat16(std::unique_ptr<Model> model, const Network& network, const at::Device& device)
        : Model(network), model_(std::move(model)), device_(device.type()) {}

    Density density() const override { return model_->density(); }

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const Autocast autocast(true, device_);
        return model_->generate(count, generator, tick);
    }
    Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        const Autocast autocast(true, device_);
        return model_->complete(x, generator, tick);
    }
    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        const Autocast autocast(true, device_);
        return model_->log_density(x, generator, tick);
    }
    at::Tensor log_density_estimate(const at::Tensor& x, std::int64_t points, at::Generator& generator,
                                    const Tick& tick) const override {
        const Autocast autocast(true, device_);
        return model_->log_density_estimate(x, points, generator, tick);
    }
    at::Tensor log_marginal(const at::Tensor& x) const override { return model_->log_marginal(x); }

private:
    const std::unique_ptr<Model> model_;
    const at::DeviceType device_;
};

}  // namespace

bool trained_in_bfloat16(const CheckpointState& state) {
    const auto found = state.parts.find("precision");
    if (found == state.parts.end()) return false;
    check_state("precision", {{"bfloat16", at::scalar_tensor(0, at::kLong)}}, found->second);
    return found->second.at("bfloat16").item<std::int64_t>() != 0;
}

bool draws_in_bfloat16(const std::string& wanted, const CheckpointState& state, const at::Device& device) {
    if (wanted != "auto") return wanted == "bfloat16";
    return trained_in_bfloat16(state) && (device.is_cuda() || processor_has_bfloat16());
}

std::unique_ptr<Model> in_precision(std::unique_ptr<Model> model, const Network& network, const at::Device& device,
                                    bool bfloat16) {
    if (!bfloat16) return model;
    return std::make_unique<InBfloat16>(std::move(model), network, device);
}

}  // namespace marginalia
