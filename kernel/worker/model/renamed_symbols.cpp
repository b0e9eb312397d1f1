#include "kernel/worker/model/renamed_symbols.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <torch/script.h>

namespace marginalia {
namespace {

// new_names holds for each row and symbol its name in the image, (B, K); unused is 1 where no site has the symbol.
constexpr const char* renamed_methods = R"(
    def new_names(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        is_known = x.unsqueeze(2) == torch.arange({categories}, device=x.device)
        sites = torch.arange({sites}, 0, -1, device=x.device).view(1, -1, 1)
        rank = is_known.sum(1) * ({sites} + 1) + (is_known * sites).amax([1])
        return rank.argsort(1, True).argsort(1), (rank == 0).unsqueeze(1)

    def image(self, x: Tensor, names: Tensor) -> Tensor:
        return torch.constant_pad_nd(names, [0, 1], {categories}).gather(1, x)

    def renamed(self, x: Tensor) -> Tensor:
        return self.image(x, self.new_names(x)[0])

    def names_back(self, logits: Tensor, names: Tensor, unused: Tensor) -> Tensor:
        # (B, D, K) of the image's symbols -> (B, D, K) of the state's
        own = logits.gather(2, names.unsqueeze(1).expand_as(logits))
        mean = (own * unused).sum(2, True) / unused.sum(2, True).clamp(1)
        return torch.where(unused, mean, own)

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.inner.log_marginal(self.renamed(x))

    def conditional_logits(self, x: Tensor) -> Tensor:
        names, unused = self.new_names(x)
        return self.names_back(self.inner.conditional_logits(self.image(x, names)), names, unused)
)";

constexpr const char* renamed_conditional_at = R"(
    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        names, unused = self.new_names(x)
        logits = self.inner.conditional_at(self.image(x, names), site).unsqueeze(1)
        return self.names_back(logits, names, unused).squeeze(1)
)";

constexpr const char* renamed_joint = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        names, unused = self.new_names(x)
        marginals, logits = self.inner.joint(self.image(x, names), site)
        rows = site.size(0)
        return marginals, self.names_back(logits.unsqueeze(1), names[:rows], unused[:rows]).squeeze(1)
)";

constexpr const char* renamed_log_density = R"(
    def log_density(self, x: Tensor) -> Tensor:
        return self.inner.log_density(self.renamed(x))
)";

// Of weights, each site counts for its weightiest symbol.
constexpr const char* renamed_relaxed = R"(
    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        names = self.new_names(p.argmax(2))[0]
        symbols = names.argsort(1).unsqueeze(1).expand_as(p)
        return self.inner.log_marginal_relaxed(p.gather(2, symbols))
)";

}  // namespace

torch::jit::Module* with_renamed_symbols(const torch::jit::Module& inner, const Domain& domain) {
    if (inner.hasattr("consistent") && inner.attr("consistent").toInt() != 0)
        throw Error(
            "train.symmetries = \"rename\" would end the exact sum rule of this network; leave it out, or use another "
            "network");
    auto module = std::make_unique<torch::jit::Module>("with_renamed_symbols");
    module->register_module("inner", inner);
    std::string source = renamed_methods;
    for (const auto& [name, text] : {std::pair{"conditional_at", renamed_conditional_at},
                                     {"joint", renamed_joint},
                                     {"log_density", renamed_log_density},
                                     {"log_marginal_relaxed", renamed_relaxed}})
        if (inner.find_method(name)) source += text;
    module->define(
        fmt::format(fmt::runtime(source), fmt::arg("sites", domain.sites), fmt::arg("categories", domain.categories)));
    return module.release();
}

}  // namespace marginalia
