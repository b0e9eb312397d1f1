#include "kernel/worker/check/torch/network_outputs.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <numbers>

#include "kernel/worker/check/chi_square.h"
#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/check/torch/table_network.h"

namespace marginalia {
namespace {

constexpr std::int64_t draws = 8192;

// log p of all states of the probe's domain; throws NotApplicable where nothing is to be checked.
at::Tensor log_p_of_all(const NetworkProbe& probe) {
    if (probe.network->has("log_marginal") || !probe.network->has_log_density())
        throw NotApplicable{"it has no density of full states alone"};
    const at::NoGradGuard no_grad;
    try {
        return probe.network->log_density(all_states(probe.domain)).to(at::kDouble);
    } catch (const Error& too_many) {
        throw NotApplicable{too_many.what()};
    }
}

}  // namespace

at::Tensor codes_of(const Network& network, const at::Tensor& x) {
    const std::int64_t size = x.size(1) * network.code_size();
    const at::Tensor directions = (at::arange(size, x.options().dtype(at::kFloat)) * std::numbers::phi).sin();
    return x.to(at::kFloat).matmul(directions.view({x.size(1), network.code_size()})).sin();
}

std::vector<Output> outputs_of(const Network& network, const at::Tensor& x) {
    const std::int64_t sites = network.domain().sites, categories = network.domain().categories;
    const std::vector<std::int64_t> logits{sites, categories};
    const at::Tensor full = x.clamp_max(categories - 1);
    std::vector<Output> outputs;
    if (network.has("log_marginal")) {
        outputs.push_back({"log_marginal", network.log_marginal(x), {}, "(B)"});
        outputs.push_back({"conditional_logits", network.conditional_logits(x), logits, "(B, D, K)"});
        return outputs;
    }
    if (network.has_log_density()) outputs.push_back({"log_density", network.log_density(full), {}, "(B)"});
    if (network.has("decode"))
        outputs.push_back({"decode", network.by_rows("decode", {codes_of(network, x)}), logits, "(B, D, K)"});
    if (network.has("encode"))
        outputs.push_back({"encode", network.by_rows("encode", {x}), {2 * network.code_size()}, "(B, 2 L)"});
    if (network.has("judge"))
        outputs.push_back(
            {"judge", network.by_rows("judge", {at::one_hot(full, categories).to(at::kFloat)}), {}, "(B)"});
    return outputs;
}

std::string check_normalised(const NetworkProbe& probe) {
    const double sum = log_p_of_all(probe).exp().sum().item<double>();
    expect(std::abs(sum - 1) < 1e-4, "p sums to " + digits(sum) + " over all " +
                                         domain_text(probe.domain.layout, probe.domain.categories) +
                                         " states; log_density must be that of a distribution");
    return "p sums to 1 over all states";
}

std::string check_draws(const NetworkProbe& probe) {
    const at::Tensor p = log_p_of_all(probe).exp();
    const at::NoGradGuard no_grad;
    at::Generator generator = seeded(38);
    const at::Tensor x = probe.network->sample(at::rand({draws, probe.domain.sites}, generator));
    const at::Tensor counts = at::bincount(state_numbers(x, probe.domain), {}, p.numel());
    const auto size = static_cast<std::size_t>(p.numel());
    const ChiSquare result =
        chi_square({p.const_data_ptr<double>(), size}, {counts.const_data_ptr<std::int64_t>(), size});
    expect(result.plausible(),
           std::to_string(draws) + " states of sample(u) do not follow log_density: " + result.text());
    return result.text();
}

}  // namespace marginalia
