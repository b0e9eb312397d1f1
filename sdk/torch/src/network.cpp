#include <marginalia/network.h>

#include <ATen/ATen.h>
#include <torch/script.h>

#include <marginalia/network_joint.h>

namespace marginalia {

const char* torch_build_tag() { return MARGINALIA_TORCH_BUILD_TAG; }

Network::Network(torch::jit::Module module, Domain domain)
    : module_(std::make_unique<torch::jit::Module>(std::move(module))), domain_(std::move(domain)) {
    for (const char* method : {"log_marginal", "conditional_logits"})
        if (!module_->find_method(method))
            throw Error(std::string("the network's TorchScript module has no method '") + method + "(x)'; it must define it");
    has_conditional_at_ = module_->find_method("conditional_at").has_value();
    has_joint_ = module_->find_method("joint").has_value();
}

Network::~Network() = default;

std::vector<at::Tensor> Network::parameters() const {
    std::vector<at::Tensor> list;
    for (const at::Tensor& parameter : module_->parameters()) list.push_back(parameter);
    return list;
}

void Network::to(const c10::Device& device) { module_->to(device); }

at::Tensor Network::log_marginal(const at::Tensor& x) const { return module_->get_method("log_marginal")({x}).toTensor(); }

at::Tensor Network::conditional_logits(const at::Tensor& x) const {
    return module_->get_method("conditional_logits")({x}).toTensor();
}

at::Tensor Network::conditional_at(const at::Tensor& x, const at::Tensor& site) const {
    if (has_conditional_at_) return module_->get_method("conditional_at")({x, site}).toTensor();
    const at::Tensor index = site.view({-1, 1, 1}).expand({-1, 1, domain_.categories});
    return conditional_logits(x).gather(1, index).squeeze(1);
}

Network::Joint Network::joint(const at::Tensor& x, const at::Tensor& site) const {
    if (has_joint_) {
        const auto result = module_->get_method("joint")({x, site}).toTuple();
        return {result->elements()[0].toTensor(), result->elements()[1].toTensor()};
    }
    return {log_marginal(x), conditional_at(x.slice(0, 0, site.size(0)), site)};
}

}  // namespace marginalia
