#include "kernel/worker/answer/export_model.h"

#include <ATen/ATen.h>
#include <marginalia/real_sites.h>
#include <torch/script.h>

#include "kernel/worker/model/row_description.h"

namespace marginalia {
namespace {

constexpr std::int64_t tried_rows = 64;

at::Tensor full_states(const Domain& domain, std::int64_t rows, at::Generator& generator) {
    const at::Tensor symbols = at::randint(domain.categories, {rows, domain.sites}, generator, at::kLong);
    const at::Tensor real = real_sites(domain, at::kCPU);
    return real.defined() ? at::where(real, real_states(at::randn(symbols.sizes(), generator)), symbols) : symbols;
}

// Full and partial states of every size, from none known to all.
at::Tensor tried_states(const Domain& domain, at::Generator& generator) {
    const at::Tensor x = full_states(domain, tried_rows, generator);
    const at::Tensor share = at::arange(tried_rows).unsqueeze(1).to(at::kFloat) / static_cast<double>(tried_rows - 1);
    return x.masked_fill(at::rand(x.sizes(), generator) >= share, domain.categories);
}

bool network_has_marginals(const TrainedModel& trained, at::Generator& generator) {
    if (!trained.parts.objective->trains_marginals() || !trained.parts.network->has("log_marginal")) return false;
    const at::Tensor x = tried_states(trained.parts.domain, generator).to(trained.parts.device);
    return at::allclose(trained.model->log_marginal(x), trained.parts.network->log_marginal(x).to(at::kDouble), 1e-6,
                        1e-6, true);
}

// Whether log p of a single site is the network's conditional given nothing; models of a fixed or learned order and
// energy-based ones have no density of partial states.
bool network_has_conditionals(const TrainedModel& trained, at::Generator& generator) {
    const Domain& domain = trained.parts.domain;
    const std::int64_t rows = std::min(tried_rows, domain.sites);
    const at::TensorOptions whole = at::TensorOptions(at::kLong).device(trained.parts.device);
    const at::Tensor blank = at::full({rows, domain.sites}, domain.categories, whole),
                     site = at::randperm(domain.sites, generator, at::kLong).slice(0, 0, rows).to(whole);
    const at::Tensor symbol = full_states(domain, rows, generator).to(whole).gather(1, site.unsqueeze(1));
    try {
        const at::Tensor numbers = trained.parts.network->conditional_at(blank, site).to(at::kDouble);
        const at::Tensor log_p = log_conditional(domain, numbers, symbol.squeeze(1));
        return at::allclose(trained.model->log_density(blank.scatter(1, site.unsqueeze(1), symbol), generator, [] {}),
                            log_p, 1e-5, 1e-5, true);
    } catch (const Error&) {
        return false;
    }
}

torch::jit::Module wrapped(const torch::jit::Module& network, bool conditionals) {
    torch::jit::Module module("exported_model");
    module.register_module("network", network);
    if (conditionals)
        module.define(
            "def conditional_logits(self, x: Tensor) -> Tensor:\n    return self.network.conditional_logits(x)\n");
    return module;
}

std::string lack(const TrainedModel& trained, const std::string& objective, bool conditionals) {
    const bool trains = trained.parts.objective->trains_marginals();
    return "no log_marginal in the file: objective '" + objective + "' " +
           (trains ? "adds what is not in the network (an energy's part, log Z), so that `marginalia marginals` alone "
                     "gives log p"
                   : "does not train log p of partial states in one pass") +
           "; the module's `network` is the bare network" +
           (conditionals ? ", conditional_logits are p(x_d | x_S)" : "");
}

}  // namespace

std::string export_model(const TrainedModel& trained, const std::string& objective, std::ostream& out) {
    const TrialParts& parts = trained.parts;
    at::Generator generator = make_generator(at::kCPU, 0, 0);
    nlohmann::json about = json_of(parts.domain);
    if (!parts.domain.site_categories.empty()) about["columns"] = json_of(parts.variables().site_list());
    const torch::jit::ExtraFilesMap extra{
        {"trial.json", nlohmann::json::accept(trained.trial_json) ? trained.trial_json : "{}"},
        {"marginalia.json", about.dump()}};
    if (network_has_marginals(trained, generator)) return parts.network->module().save(out, extra), "";
    const bool conditionals = network_has_conditionals(trained, generator);
    wrapped(parts.network->module(), conditionals).save(out, extra);
    return lack(trained, objective, conditionals);
}

}  // namespace marginalia
