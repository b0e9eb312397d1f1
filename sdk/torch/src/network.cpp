#include <marginalia/network.h>

#include <ATen/ATen.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/passes/autocast.h>
#include <torch/script.h>

#include <marginalia/network_joint.h>

#include "operators/operators.h"
#include "row_pieces.h"

namespace marginalia {

namespace {

// What a source may name besides itself: torch, and the operators of operators.h.
struct Names final : torch::jit::NativeResolver {
    std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction& method,
                                                           const torch::jit::SourceRange& where) override {
        if (name == "marginalia") return std::make_shared<torch::jit::BuiltinModule>("marginalia");
        return torch::jit::NativeResolver::resolveValue(name, method, where);
    }
};

}  // namespace

const char* torch_build_tag() { return MARGINALIA_TORCH_BUILD_TAG; }

NetworkBuilder::NetworkBuilder(const std::string& name) : module_(std::make_unique<torch::jit::Module>(name)) {}
NetworkBuilder::~NetworkBuilder() = default;
NetworkBuilder::NetworkBuilder(NetworkBuilder&&) noexcept = default;

void NetworkBuilder::parameter(const std::string& name, const at::Tensor& value) {
    module_->register_parameter(name, value.detach().set_requires_grad(true), false);
}
void NetworkBuilder::buffer(const std::string& name, const at::Tensor& value) { module_->register_buffer(name, value); }
void NetworkBuilder::constant(const std::string& name, std::int64_t value) {
    module_->register_attribute(name, c10::IntType::get(), value);
}
void NetworkBuilder::constant(const std::string& name, double value) {
    module_->register_attribute(name, c10::FloatType::get(), value);
}
void NetworkBuilder::define(const std::string& source) {
    module_->define(with_operators(source), std::make_shared<Names>());
}
torch::jit::Module* NetworkBuilder::release() { return module_.release(); }

Network::Network(torch::jit::Module module, Domain domain)
    : module_(std::make_unique<torch::jit::Module>(std::move(module))), domain_(std::move(domain)) {
    // TorchScript has rules of its own for autocast, by which sums of bfloat16 become float32 and every product casts
    // them back. Without them those of eager mode hold.
    torch::jit::setAutocastMode(false);
    const bool draws = has("decode") || (has("log_density") && has("sample"));
    for (const char* method : {"log_marginal", "conditional_logits"})
        if (!draws && !has(method))
            throw Error(std::string("the network's TorchScript module has no method '") + method +
                        "(x)'; it must define it");
    has_conditional_at_ = has("conditional_at");
    has_joint_ = has("joint");
    has_log_density_ = has("log_density");
    has_relaxed_ = has("log_marginal_relaxed");
    has_sample_ = has("sample");
    has_complete_ = has("complete");
    has_em_ = has("em");
    consistent_ = number("consistent") != 0;
    if (!domain_.site_categories.empty() && number("mixed") == 0)
        throw Error(
            "this network takes sites that all have the same number of symbols, and here are real numbers or sites of "
            "different numbers of symbols; use a network that takes them, such as mlp");
}

bool Network::has(const std::string& method) const { return module_->find_method(method).has_value(); }

std::int64_t Network::number(const char* attribute) const {
    return module_->hasattr(attribute) ? module_->attr(attribute).toInt() : 0;
}

std::int64_t Network::code_size() const { return number("code"); }

Network::~Network() = default;

std::string_view Network::bare_name(std::string_view name) {
    while (name.starts_with(inner)) name.remove_prefix(inner.size());
    return name;
}

std::vector<at::Tensor> Network::parameters() const {
    std::vector<at::Tensor> list;
    for (const at::Tensor& parameter : module_->parameters()) list.push_back(parameter);
    return list;
}

std::vector<std::pair<std::string, at::Tensor>> Network::named_parameters() const {
    std::vector<std::pair<std::string, at::Tensor>> list;
    for (const auto& parameter : module_->named_parameters())
        list.emplace_back(bare_name(parameter.name), parameter.value);
    return list;
}

void Network::to(const c10::Device& device) { module_->to(device); }

void Network::limit_rows(std::int64_t rows) { most_rows_ = rows; }

at::Tensor Network::by_rows(const std::string& name, const std::vector<at::Tensor>& inputs) const {
    if (!has(name))
        throw Error("the network has no method '" + name +
                    "', which is asked of it here; its page in docs/plugins names the objectives that it is for");
    torch::jit::Method method = module_->get_method(name);
    const std::int64_t rows = inputs[0].size(0);
    if (most_rows_ == 0 || rows <= most_rows_) return method({inputs.begin(), inputs.end()}).toTensor();
    std::vector<at::Tensor> learnt = parameters();
    learnt.insert(learnt.end(), inputs.begin(), inputs.end());
    return in_row_pieces(rows, most_rows_, learnt, [method, inputs](std::int64_t first, std::int64_t last) mutable {
        std::vector<c10::IValue> piece;
        for (const at::Tensor& input : inputs) piece.emplace_back(input.slice(0, first, last));
        return std::vector<at::Tensor>{method(std::move(piece)).toTensor()};
    })[0];
}

at::Tensor Network::log_marginal(const at::Tensor& x) const { return by_rows("log_marginal", {x}); }

at::Tensor Network::log_density(const at::Tensor& x) const {
    return has_log_density_ ? by_rows("log_density", {x}) : log_marginal(x);
}

at::Tensor Network::log_marginal_relaxed(const at::Tensor& p) const {
    if (!has_relaxed_)
        throw Error(
            "the network's module has no method 'log_marginal_relaxed(p)', which gradients in the states take; use "
            "another network");
    return by_rows("log_marginal_relaxed", {p});
}

at::Tensor Network::sample(const at::Tensor& u) const {
    if (!has_sample_)
        throw Error("the network's module has no method 'sample(u)'; draw site by site, or use another network");
    return by_rows("sample", {u});
}

at::Tensor Network::complete(const at::Tensor& x, const at::Tensor& u) const {
    if (!has_complete_)
        throw Error("the network's module has no method 'complete(x, u)'; draw site by site, or use another network");
    return by_rows("complete", {x, u});
}

at::Tensor Network::em(const at::Tensor& x, double rate) const {
    if (!has_em_)
        throw Error(
            "the network's module has no method 'em(x, rate)', so it cannot learn by expectation maximisation; let it "
            "learn by the gradient, or use another network, such as einet");
    return module_->get_method("em")({x, rate}).toTensor();
}

at::Tensor Network::conditional_logits(const at::Tensor& x) const { return by_rows("conditional_logits", {x}); }

at::Tensor Network::conditional_at(const at::Tensor& x, const at::Tensor& site) const {
    if (has_conditional_at_) return by_rows("conditional_at", {x, site});
    const at::Tensor logits = conditional_logits(x);
    return logits.gather(1, site.view({-1, 1, 1}).expand({-1, 1, logits.size(2)})).squeeze(1);
}

namespace {

Network::Joint joint_of(torch::jit::Method& method, const at::Tensor& x, const at::Tensor& site) {
    const auto result = method({x, site}).toTuple();
    return {result->elements()[0].toTensor(), result->elements()[1].toTensor()};
}

}  // namespace

Network::Joint Network::joint(const at::Tensor& x, const at::Tensor& site) const {
    if (!has_joint_) return {log_marginal(x), conditional_at(x.slice(0, 0, site.size(0)), site)};
    torch::jit::Method method = module_->get_method("joint");
    if (most_rows_ == 0 || x.size(0) <= most_rows_) return joint_of(method, x, site);
    torch::jit::Method marginal = module_->get_method("log_marginal");
    const auto piece = [method, marginal, x, site](std::int64_t first, std::int64_t last) mutable {
        const at::Tensor rows = x.slice(0, first, last), sites = site.slice(0, first, last);
        if (sites.size(0) == 0) return std::vector<at::Tensor>{marginal({rows}).toTensor(), at::Tensor()};
        const Joint both = joint_of(method, rows, sites);
        return std::vector<at::Tensor>{both.log_marginal, both.logits};
    };
    const auto both = in_row_pieces(x.size(0), most_rows_, parameters(), piece);
    return {both[0], both[1]};
}

}  // namespace marginalia
