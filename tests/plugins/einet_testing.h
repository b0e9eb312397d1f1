// Small circuits of every structure, and the states that they are summed over.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <torch/script.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/every_state.h"
#include "tests/worker/trial_fixture.h"

namespace marginalia {

using Values = std::map<std::string, ParameterValue, std::less<>>;

struct Structure {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t categories;
    Values values;
};

// Even and uneven cuts, a sequence and three axes, a region in several partitions and leaves of unequal size.
inline const Structure structures[] = {
    {"quad-graph", {3, 3}, 2, {{"piece", std::int64_t{1}}}},
    {"quad-graph", {2, 2, 3}, 2, {{"piece", std::int64_t{1}}}},
    {"quad-tree", {7}, 3, {{"piece", std::int64_t{2}}}},
    {"poon-domingos", {2, 3}, 3, {{"delta", std::string("1")}}},
    {"poon-domingos", {3, 4}, 2, {{"delta", std::string("3, 2")}}},
    {"random-tree", {10}, 2, {{"depth", std::int64_t{2}}, {"replicas", std::int64_t{3}}}},
    {"random-tree", {5}, 3, {{"depth", std::int64_t{9}}, {"replicas", std::int64_t{2}}}},
};

inline const std::string layers[] = {"cp", "einsum"};

inline Values defaults() {
    return {{"structure", std::string("quad-graph")},
            {"delta", std::string("4")},
            {"layer", std::string("cp")},
            {"piece", std::int64_t{4}},
            {"depth", std::int64_t{5}},
            {"replicas", std::int64_t{10}},
            {"structure_seed", std::int64_t{1}},
            {"sums", std::int64_t{3}},
            {"noise", 1.0},
            {"floor", 1e-5}};
}

struct Case {
    Case(const Structure& s, const Values& values, std::int64_t seed = 1) {
        for (const std::int64_t extent : s.shape) domain.sites *= extent;
        domain.categories = s.categories;
        domain.layout.shape = s.shape;
        Values all = defaults();
        all["structure"] = s.name;
        for (const Values& given : {s.values, values})
            for (const auto& [key, value] : given) all[key] = value;
        at::Generator weights = make_generator(at::kCPU, seed, 20);
        const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", "einet"));
        const std::unique_ptr<torch::jit::Module> module(factory(Params(all), domain, weights));
        network = std::make_unique<Network>(*module, domain);
        generator = make_generator(at::kCPU, seed, 21);
    }

    at::Tensor random_partial(std::int64_t rows) {
        return at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
    }
    at::Tensor call(const char* method, std::vector<c10::IValue> arguments) const {
        return network->module().get_method(method)(std::move(arguments)).toTensor();
    }
    at::Tensor weights(const std::string& name) const { return network->module().attr(name).toTensor(); }

    Domain domain{1, 0, {}};
    std::unique_ptr<Network> network;
    at::Generator generator;
};

// Weights away from the start, so that probabilities spread over some ten nats.
inline Case shaken(const Structure& structure, const std::string& layer) {
    Case c(structure, {{"layer", layer}});
    const at::NoGradGuard no_grad;
    for (at::Tensor w : c.network->parameters()) w.add_(at::randn(w.sizes(), c.generator), 1.5);
    return c;
}

inline void sharpen(const Case& c, double factor) {
    const at::NoGradGuard no_grad;
    for (at::Tensor w : c.network->parameters()) w.mul_(factor);
}

template <class Test>
void on_all(Test&& test) {
    for (const Structure& structure : structures)
        for (const std::string& layer : layers) {
            CAPTURE(structure.name);
            CAPTURE(structure.shape.size());
            CAPTURE(layer);
            test(shaken(structure, layer));
        }
}

inline at::Tensor number_of(const at::Tensor& x, const Domain& domain) {
    at::Tensor number = at::zeros({x.size(0)}, at::kLong);
    for (std::int64_t d = domain.sites; d-- > 0;) number = number * domain.categories + x.select(1, d);
    return number;
}

// Which states (columns) agree with which partial states (rows).
inline at::Tensor agreement(const at::Tensor& partial, const at::Tensor& states, const Domain& domain) {
    return ((partial.unsqueeze(1) == states.unsqueeze(0)).logical_or(partial.unsqueeze(1) == domain.categories)).all(2);
}

inline bool close(const at::Tensor& a, const at::Tensor& b, double tolerance) {
    return at::allclose(a.to(at::kDouble), b.to(at::kDouble), 0, tolerance);
}

}  // namespace marginalia
