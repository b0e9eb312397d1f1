#include <ATen/ATen.h>
#include <marginalia/network_joint.h>

#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/network_outputs.h"
#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/check/torch/wait_check.h"

namespace marginalia {
namespace {

// Every method that the network has, and the gradient of what it gives.
void call_all(const Network& network, const at::Tensor& x, const at::Tensor& site, at::Generator& generator) {
    const at::Tensor u = at::rand(x.sizes(), generator), full = x.clamp_max(network.domain().categories - 1);
    at::Tensor sum = at::zeros({});
    for (const Output& output : outputs_of(network, x)) sum = sum + output.values.sum();
    if (network.has("log_marginal")) {
        const auto joint = network.joint(x, site);
        sum = sum + network.log_density(full).sum() + network.conditional_at(x, site).sum() + joint.log_marginal.sum() +
              joint.logits.sum();
    }
    sum.backward();
    if (network.has_sample()) network.sample(u);
    if (network.has_complete()) network.complete(x, u);
}

}  // namespace

std::string check_waits(const NetworkProbe& probe) {
    const auto network = probe.maker.make(probe.domain, 1);
    at::Generator generator = seeded(35);
    const at::Tensor site = at::randint(probe.domain.sites, {probe.states.size(0)}, generator, at::kLong);
    return waits_of("a pass of each method", [&] { call_all(*network, probe.states, site, generator); });
}

}  // namespace marginalia
