#include "kernel/worker/check/torch/network_probe.h"

#include <ATen/ATen.h>
#include <torch/script.h>

#include <optional>
#include <sstream>

#include "kernel/worker/check/torch/random_watch.h"

namespace marginalia {
namespace {

constexpr std::int64_t partial_rows = 32, full_rows = 16;
constexpr double coupling_spread = 0.7;  // standard deviation of an energy's numbers in nats

// About as large as weights that training has changed: noise of a tenth for each input.
void disturb(const Network& network) {
    const at::NoGradGuard no_grad;
    at::Generator generator = seeded(31);
    for (at::Tensor parameter : network.parameters()) {
        const double inputs =
            parameter.dim() > 1 ? static_cast<double>(parameter.numel()) / static_cast<double>(parameter.size(0)) : 9;
        parameter.add_(at::randn(parameter.sizes(), generator, parameter.options().requires_grad(false)),
                       0.3 / std::sqrt(inputs));
    }
}

at::Tensor states_of(const Domain& domain) {
    at::Generator generator = seeded(32);
    const std::int64_t sites = domain.sites, categories = domain.categories;
    std::vector<at::Tensor> rows = {at::full({1, sites}, categories, at::kLong),
                                    at::randint(categories + 1, {partial_rows, sites}, generator, at::kLong),
                                    at::randint(categories, {full_rows, sites}, generator, at::kLong)};
    rows.push_back(at::arange(categories, at::kLong).unsqueeze(1).expand({categories, sites}));
    return at::cat(rows);
}

std::vector<double> random_numbers(std::int64_t count, at::Generator& generator) {
    const at::Tensor numbers = at::randn({count}, generator, at::kDouble) * coupling_spread;
    return {numbers.data_ptr<double>(), numbers.data_ptr<double>() + count};
}

// The neighbour of a site along an axis, in the direction of rising numbers; nullopt: none, or itself.
std::optional<std::int64_t> neighbour_of(std::int64_t site, std::int64_t extent, std::int64_t step, bool periodic) {
    const std::int64_t place = site / step % extent;
    if (place + 1 < extent) return site + step;
    if (!periodic || extent == 1) return std::nullopt;
    return site - place * step;
}

}  // namespace

Domain domain_of(const GivenDomain& given) {
    Domain domain{1, given.categories, given.layout};
    for (const std::int64_t extent : given.layout.shape) domain.sites *= extent;
    return domain;
}

Domain with_couplings(Domain domain) {
    at::Generator generator = seeded(36);
    EnergyForm form;
    form.fields = random_numbers(domain.sites * domain.categories, generator);
    std::int64_t step = domain.sites;
    for (const std::int64_t extent : domain.layout.shape) {
        step /= extent;
        for (std::int64_t site = 0; site < domain.sites; ++site) {
            const auto other = neighbour_of(site, extent, step, domain.layout.periodic);
            if (!other) continue;
            form.pairs.push_back({static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(*other),
                                  static_cast<std::uint32_t>(form.tables.size())});
            form.tables.push_back(random_numbers(domain.categories * domain.categories, generator));
        }
    }
    domain.form = std::make_shared<const EnergyForm>(std::move(form));
    return domain;
}

std::string shape_text(const at::Tensor& x) {
    if (!x.defined()) return "an undefined tensor";
    std::string sizes;
    for (const std::int64_t size : x.sizes()) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    return std::string(c10::getDtypeNames(x.scalar_type()).first) + " (" + sizes + ")";
}

std::unique_ptr<Network> NetworkMaker::make(const Domain& domain, std::uint64_t seed, const Params& params) const {
    at::Generator generator = seeded(seed);
    const std::unique_ptr<torch::jit::Module> module(
        reinterpret_cast<NetworkFactory>(target_.factory)(params, domain, generator));
    return std::make_unique<Network>(*module, domain);
}

NetworkProbe::NetworkProbe(const NetworkMaker& from, const Domain& on)
    : maker(from), name(domain_text(on.layout, on.categories)), domain(with_couplings(on)), fresh(from.make(domain, 1)),
      network(from.make(domain, 1)), states(states_of(on)) {
    disturb(*network);
}

std::string state_kind(const NetworkProbe& probe, std::int64_t row) {
    const auto unknown = (probe.states[row] == probe.domain.categories).sum().item<std::int64_t>();
    return unknown == 0 ? "a full state" : unknown == probe.domain.sites ? "all □" : "a partial state";
}

}  // namespace marginalia
