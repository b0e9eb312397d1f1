// What the two heads are made of: gradients, saving, randomness, speed.
#include <ATen/ATen.h>
#include <torch/script.h>

#include <sstream>

#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/network_outputs.h"
#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/checkpoint/checkpoint.h"

namespace marginalia {
namespace {

// A loss that weighs every output at random, logits as log-probabilities.
at::Tensor random_loss(const NetworkProbe& probe) {
    at::Generator generator = seeded(34);
    const auto weighed = [&](const at::Tensor& x) {
        return (x * at::randn(x.sizes(), generator, x.options().requires_grad(false))).sum();
    };
    at::Tensor loss = at::zeros({});
    for (const Output& output : outputs_of(*probe.network, probe.states))
        loss = loss + weighed(output.of_row.size() == 2 ? output.values.log_softmax(2) : output.values);
    return loss;
}

void clear_gradients(const Network& network) {
    for (at::Tensor parameter : network.parameters()) parameter.mutable_grad().reset();
}

void expect_equal_outputs(const NetworkProbe& probe, const Network& other, const std::string& sentence) {
    const at::NoGradGuard no_grad;
    const std::vector<Output> a = outputs_of(*probe.network, probe.states), b = outputs_of(other, probe.states);
    for (std::size_t i = 0; i < a.size(); ++i) expect(at::equal(a[i].values, b[i].values), sentence);
}

}  // namespace

std::string check_gradients(const NetworkProbe& probe) {
    clear_gradients(*probe.network);
    random_loss(probe).backward();
    std::string none;
    std::int64_t count = 0;
    for (const auto& parameter : probe.network->module().named_parameters()) {
        const at::Tensor gradient = parameter.value.grad();
        expect(!gradient.defined() || gradient.isfinite().all().item<bool>(),
               "the gradient of '" + parameter.name + "' is not finite");
        if (!gradient.defined() || gradient.count_nonzero().item<std::int64_t>() == 0)
            none += (none.empty() ? "'" : ", '") + parameter.name + "'";
        ++count;
    }
    clear_gradients(*probe.network);
    expect(none.empty(), std::string(probe.network->has("log_marginal") ? "no gradient of either head reaches "
                                                                        : "no gradient of a method reaches ") +
                             none + "; use it, or register it as a buffer");
    expect(count > 0, "the network has no parameters, so that there is nothing to train; register_parameter them");
    return "all " + std::to_string(count);
}

std::string check_saving(const NetworkProbe& probe) {
    std::stringstream file;
    probe.network->module().save(file);
    const Network loaded(torch::jit::load(file), probe.domain);
    expect_equal_outputs(probe, loaded,
                         "the network saved and loaded gives other values; keep all it computes with in the module");
    return "the same bits";
}

// As a resume and train.start_from do it: into a network built anew.
std::string check_checkpoint(const NetworkProbe& probe) {
    const auto other = probe.maker.make(probe.domain, 2);
    load_weights(save_checkpoint(*probe.network, "{}", {}), *other);
    std::string buffers;
    for (const auto& buffer : other->module().named_buffers())
        buffers += (buffers.empty() ? " '" : ", '") + buffer.name + "'";
    expect_equal_outputs(
        probe, *other,
        "a network of another seed that is given all of this one's parameters gives other values; what differs between "
        "networks must be a parameter" +
            (buffers.empty() ? "" : ": look at the buffers" + buffers));
    return "the same bits in a network of another seed";
}

std::string check_repeat(const NetworkProbe& probe) {
    const GlobalGenerator global(at::kCPU);
    expect_equal_outputs(
        probe, *probe.network,
        "the same states give other values the second time; use no dropout and no state that calls change");
    global.expect_untouched("the network");
    return "the same bits";
}

std::string check_weights(const NetworkProbe& probe) {
    const GlobalGenerator global(at::kCPU);
    const auto same = probe.maker.make(probe.domain, 1), other = probe.maker.make(probe.domain, 2);
    global.expect_untouched("building the network");
    bool differs = false;
    const auto a = probe.fresh->parameters(), b = same->parameters(), c = other->parameters();
    for (std::size_t i = 0; i < a.size(); ++i) {
        expect(a[i].scalar_type() == at::kFloat && a[i].is_cpu(), "a parameter is " + shape_text(a[i]) + " on " +
                                                                      a[i].device().str() +
                                                                      "; build float32 parameters on the CPU");
        expect(
            at::equal(a[i], b[i]),
            "two networks built from generators of the same seed differ; draw weights from the generator passed alone");
        differs = differs || !at::equal(a[i], c[i]);
    }
    return differs ? "same seed, same weights" : "the same for every seed";
}

std::string measure_speed(const NetworkProbe& probe) {
    at::Generator generator = seeded(35);
    const at::Tensor x = at::randint(probe.domain.categories + 1, {512, probe.domain.sites}, generator, at::kLong);
    const double seconds = seconds_of([&] {
        at::Tensor sum = at::zeros({});
        for (const Output& output : outputs_of(*probe.network, x)) sum = sum + output.values.sum();
        sum.backward();
        clear_gradients(*probe.network);
    });
    std::int64_t count = 0;
    for (const at::Tensor& parameter : probe.network->parameters()) count += parameter.numel();
    return std::to_string(count) +
           " parameters; 512 states forward and backward, all heads: " + rounded(1e3 * seconds) + " ms on one core";
}

}  // namespace marginalia
