// What the faulty networks share: one hidden layer over one-hot symbols that keeps every promise; see faulty_energy.h.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/network.h>

#include <array>

using namespace marginalia;

constexpr std::array<Parameter, 0> no_parameters{};

constexpr const char* features = R"(
    def features(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.mm(torch.one_hot(x, self.categories + 1).flatten(1).to(self.w.dtype), self.w))

    def blank(self, x: Tensor) -> Tensor:
        return torch.full([1, self.sites], self.categories, dtype=x.dtype, device=x.device)
)";
constexpr const char* log_marginal = R"(
    def log_marginal(self, x: Tensor) -> Tensor:
        return torch.mv(self.features(x) - self.features(self.blank(x)), self.u)
)";
constexpr const char* conditional_logits = R"(
    def conditional_logits(self, x: Tensor) -> Tensor:
        return torch.mm(self.features(x), self.v).view(-1, self.sites, self.categories)
)";

inline NetworkBuilder make(const Domain& domain, at::Generator& generator, const std::string& marginal = log_marginal,
                           const std::string& conditional = conditional_logits) {
    constexpr std::int64_t hidden = 8;
    NetworkBuilder module("small_network");
    const auto add = [&](const char* name, at::IntArrayRef shape) {
        module.parameter(name, at::randn(shape, generator).mul_(0.3));
    };
    add("w", {domain.sites * (domain.categories + 1), hidden});
    add("u", {hidden});
    add("v", {hidden, domain.sites * domain.categories});
    module.buffer("scale", at::randn({hidden}, generator));
    module.constant("sites", domain.sites);
    module.constant("categories", domain.categories);
    module.define(std::string(features) + marginal + conditional);
    return module;
}
