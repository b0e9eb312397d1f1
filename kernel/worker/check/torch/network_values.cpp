// What the two heads give: shapes, finite values, agreement, independence of rows.
#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <marginalia/site_terms.h>
#include <torch/script.h>

#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/network_outputs.h"
#include "kernel/worker/check/torch/random_watch.h"

namespace marginalia {
namespace {

// Largest difference of two results, relative to their size where that is above 1.
double difference(const at::Tensor& a, const at::Tensor& b) {
    const double size = std::max(1.0, a.detach().abs().max().item<double>());
    return (a - b).detach().abs().max().item<double>() / size;
}

void expect_finite(const NetworkProbe& probe, const at::Tensor& values, const char* method) {
    const at::Tensor wrong = values.isfinite().logical_not().flatten(1).any(1).nonzero();
    if (wrong.numel() == 0) return;
    const auto row = wrong[0].item<std::int64_t>();
    const at::Tensor of_row = values[row];
    throw Error(std::string(method) + " is " +
                digits(of_row.masked_select(of_row.isfinite().logical_not())[0].item<double>()) + " at " +
                state_kind(probe, row) + "; it must be finite for every state, known sites included");
}

// (B, 3, 2) in numbers.
std::string numbers_of(std::int64_t rows, const std::vector<std::int64_t>& of_row) {
    std::string text = "(" + std::to_string(rows);
    for (const std::int64_t size : of_row) text += ", " + std::to_string(size);
    return text + ")";
}

double worst_difference(const std::vector<Output>& a, const std::vector<Output>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, difference(a[i].values, b[i].values));
    return worst;
}

}  // namespace

std::string check_shapes(const NetworkProbe& probe) {
    const at::NoGradGuard no_grad;
    const std::int64_t rows = probe.states.size(0);
    std::string shapes;
    for (const Output& output : outputs_of(*probe.network, probe.states)) {
        std::vector<std::int64_t> right{rows};
        right.insert(right.end(), output.of_row.begin(), output.of_row.end());
        expect(output.values.sizes() == at::IntArrayRef(right) && output.values.is_floating_point(),
               std::string(output.method) + " gives " + shape_text(output.values) + " for " + std::to_string(rows) +
                   " states; it must be " + output.shape + " of floats, " + numbers_of(rows, output.of_row));
        shapes += (shapes.empty() ? "" : ", ") + std::string(output.method) + " " + output.shape;
    }
    return shapes;
}

std::string check_finite(const NetworkProbe& probe) {
    const at::NoGradGuard no_grad;
    for (const auto* network : {probe.fresh.get(), probe.network.get()})
        for (const Output& output : outputs_of(*network, probe.states))
            expect_finite(probe, output.values.unsqueeze(1), output.method);
    return "at all □, partial and full states; fresh and disturbed weights";
}

std::string check_blank(const NetworkProbe& probe) {
    if (!probe.network->has("log_marginal")) throw NotApplicable{"it has no marginals"};
    const at::NoGradGuard no_grad;
    const double value = probe.network->log_marginal(probe.states.slice(0, 0, 2))[0].item<double>();
    expect(std::abs(value) < 1e-4,
           "log_marginal of all □ is " + digits(value) +
               " with disturbed weights; subtract the value at all □, so that it is 0 whatever the weights");
    return "0 whatever the weights";
}

std::string check_methods(const NetworkProbe& probe) {
    if (!probe.network->has("log_marginal")) throw NotApplicable{"it has no marginals"};
    const at::NoGradGuard no_grad;
    const Network& network = *probe.network;
    const bool at_site = network.module().find_method("conditional_at").has_value(),
               joint = network.module().find_method("joint").has_value();
    const bool profile = has_log_marginal_profile(network);
    const bool density = network.has_log_density();
    if (!at_site && !joint && !profile && !density) throw NotApplicable{"none is defined"};
    at::Generator generator = seeded(33);
    const std::int64_t rows = probe.states.size(0), some = rows / 2;
    const at::Tensor site = at::randint(probe.domain.sites, {rows}, generator, at::kLong);
    const at::Tensor all = network.conditional_logits(probe.states);
    const at::Tensor right = all.gather(1, site.view({-1, 1, 1}).expand({-1, 1, probe.domain.categories})).squeeze(1);
    const auto compare = [](const char* what, const at::Tensor& given, const at::Tensor& expected) {
        expect(given.sizes() == expected.sizes(),
               std::string(what) + " is " + shape_text(given) + ", not " + shape_text(expected));
        const double off = difference(expected, given);
        expect(off < 1e-4, std::string(what) + " is off by " + digits(off) + "; make it the same function");
    };
    if (at_site) compare("conditional_at beside conditional_logits", network.conditional_at(probe.states, site), right);
    if (joint) {
        const auto both = network.joint(probe.states, site.slice(0, 0, some));
        compare("joint's first result beside log_marginal", both.log_marginal, network.log_marginal(probe.states));
        compare("joint's second result beside conditional_logits", both.logits, right.slice(0, 0, some));
    }
    if (profile) {
        const at::Tensor nodes = log_marginal_profile(network, probe.states);
        compare("the weighted sum of log_marginal_profile beside log_marginal",
                (nodes * profile_weights(nodes.size(2)).to(nodes.device())).sum({1, 2}),
                network.log_marginal(probe.states));
    }
    if (density) {
        const at::Tensor full = probe.states.clamp_max(probe.domain.categories - 1);
        compare("log_density beside log_marginal", network.log_density(full), network.log_marginal(full));
    }
    std::string agree = at_site ? "conditional_at" : "";
    if (joint) agree += agree.empty() ? "joint" : ", joint";
    if (profile) agree += agree.empty() ? "log_marginal_profile" : ", log_marginal_profile";
    if (density) agree += agree.empty() ? "log_density" : ", log_density";
    return agree;
}

std::string check_rows(const NetworkProbe& probe) {
    const at::NoGradGuard no_grad;
    const std::vector<Output> all = outputs_of(*probe.network, probe.states);
    std::vector<Output> turned = all;
    for (Output& output : turned) output.values = output.values.flip(0);
    double worst = worst_difference(turned, outputs_of(*probe.network, probe.states.flip(0)));
    for (std::int64_t row = 0; row < probe.states.size(0); row += 5) {
        std::vector<Output> of_row = all;
        for (Output& output : of_row) output.values = output.values.slice(0, row, row + 1);
        worst =
            std::max(worst, worst_difference(of_row, outputs_of(*probe.network, probe.states.slice(0, row, row + 1))));
    }
    expect(worst < 1e-5,
           "a state's values differ by " + digits(worst) +
               " with the other states of the batch; use nothing that mixes rows, such as batch normalisation");
    return "the same within 1e-5, alone and in other batches";
}

}  // namespace marginalia
