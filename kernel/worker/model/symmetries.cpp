#include "kernel/worker/model/symmetries.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/random.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <sstream>

namespace marginalia {

namespace {

constexpr std::size_t most_elements = 256;

std::vector<std::string> words_of(const std::string& names) {
    std::vector<std::string> words;
    std::istringstream text(names);
    for (std::string name; std::getline(text >> std::ws, name, ',');) {
        name.erase(name.find_last_not_of(' ') + 1);
        words.push_back(std::move(name));
    }
    return words;
}

Symmetry identity_of(const Domain& domain) {
    Symmetry identity;
    identity.sites.resize(static_cast<std::size_t>(domain.sites));
    identity.symbols.resize(static_cast<std::size_t>(domain.categories) + 1);
    std::iota(identity.sites.begin(), identity.sites.end(), 0);
    std::iota(identity.symbols.begin(), identity.symbols.end(), 0);
    return identity;
}

// First `a`, then `b`.
Symmetry product_of(const Symmetry& a, const Symmetry& b) {
    Symmetry both = a;
    for (std::size_t d = 0; d < both.sites.size(); ++d) both.sites[d] = a.sites[b.sites[d]];
    for (std::size_t k = 0; k < both.symbols.size(); ++k) both.symbols[k] = b.symbols[a.symbols[k]];
    return both;
}

Symmetry swapped_symbols(const Domain& domain, std::int64_t a, std::int64_t b) {
    Symmetry symmetry = identity_of(domain);
    std::swap(symmetry.symbols[a], symmetry.symbols[b]);
    return symmetry;
}

// The site whose symbol comes to a site, by both places along an axis of the layout.
Symmetry moved_along(const Domain& domain, std::size_t axis,
                     const std::function<std::int64_t(std::int64_t place, std::int64_t extent)>& from) {
    Symmetry symmetry = identity_of(domain);
    const auto& shape = domain.layout.shape;
    const std::int64_t extent = shape[axis];
    const std::int64_t step = std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end(),
                                              std::int64_t{1}, std::multiplies<>());
    for (std::int64_t& site : symmetry.sites) {
        const std::int64_t place = site / step % extent;
        site += (from(place, extent) - place) * step;
    }
    return symmetry;
}

Symmetry quarter_turn(const Domain& domain) {
    const auto& shape = domain.layout.shape;
    if (shape.size() != 2 || shape[0] != shape[1])
        throw Error(
            "the symmetry 'rotate' needs a lattice with as many rows as columns; leave it out of train.symmetries");
    Symmetry symmetry = identity_of(domain);
    const std::int64_t extent = shape[0];
    for (std::int64_t row = 0; row < extent; ++row)
        for (std::int64_t column = 0; column < extent; ++column)
            symmetry.sites[row * extent + column] = (extent - 1 - column) * extent + row;
    return symmetry;
}

std::vector<Symmetry> generators(const std::string& name, const Domain& domain) {
    std::vector<Symmetry> made;
    if (name == "flip") {
        made.push_back(identity_of(domain));
        std::reverse(made[0].symbols.begin(), made[0].symbols.end() - 1);
    } else if (name == "permute") {
        made = symbol_swaps(domain);
    } else if (name == "mirror") {
        made.push_back(moved_along(domain, domain.layout.shape.size() - 1,
                                   [](std::int64_t place, std::int64_t extent) { return extent - 1 - place; }));
    } else if (name == "rotate") {
        made.push_back(quarter_turn(domain));
    } else if (name == "shift") {
        if (!domain.layout.periodic)
            throw Error("the symmetry 'shift' needs a periodic lattice; leave it out of train.symmetries");
        for (std::size_t axis = 0; axis < domain.layout.shape.size(); ++axis)
            made.push_back(moved_along(domain, axis,
                                       [](std::int64_t place, std::int64_t extent) { return (place + 1) % extent; }));
    } else if (name != "rename") {
        throw Error("train.symmetries names '" + name + "'; there are flip, permute, rename, mirror, rotate and shift");
    }
    return made;
}

at::Tensor table_of(const std::vector<Symmetry>& group, std::vector<std::int64_t> Symmetry::* numbers) {
    std::vector<at::Tensor> rows;
    for (const Symmetry& element : group) rows.push_back(at::tensor(element.*numbers, at::kLong));
    return at::stack(rows);
}

// (G, D) tables are used as they are, rows of the batch are ordered by the element, then by the state.
constexpr const char* methods = R"(
    def images(self, x: Tensor) -> Tensor:
        # (B, D) -> (G, B, D)
        first = torch.arange(0, {elements} * {symbols}, {symbols}, device=x.device).view(-1, 1, 1)
        return self.image_symbols.flatten()[x[:, self.image_sites].transpose(0, 1) + first]

    def back_at(self, logits: Tensor) -> Tensor:
        # (G, B, K) of the images' symbols -> (B, K) of the state's
        return logits.gather(2, self.image_symbols[:, :-1].unsqueeze(1).expand_as(logits)).mean(0)

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.inner.log_marginal(self.images(x).flatten(0, 1)).view({elements}, -1).mean(0)

    def conditional_logits(self, x: Tensor) -> Tensor:
        logits = self.inner.conditional_logits(self.images(x).flatten(0, 1)).view({elements}, -1, {sites}, {categories})
        places = self.image_places.view({elements}, 1, {sites}, 1).expand_as(logits)
        kinds = self.image_symbols[:, :-1].view({elements}, 1, 1, {categories}).expand_as(logits)
        return logits.gather(2, places).gather(3, kinds).mean(0)
)";

constexpr const char* conditional_at = R"(
    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        logits = self.inner.conditional_at(self.images(x).flatten(0, 1), self.image_places[:, site].flatten())
        return self.back_at(logits.view({elements}, -1, {categories}))
)";

// The rows whose conditionals are asked for come first, of all images.
constexpr const char* joint = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        y = self.images(x)
        rows = site.size(0)
        first, rest = y[:, :rows].flatten(0, 1), y[:, rows:].flatten(0, 1)
        marginals, logits = self.inner.joint(torch.cat([first, rest]), self.image_places[:, site].flatten())
        split = rows * {elements}
        means = torch.cat([marginals[:split].view({elements}, -1), marginals[split:].view({elements}, -1)], 1).mean(0)
        return means, self.back_at(logits.view({elements}, -1, {categories}))
)";

constexpr const char* log_density = R"(
    def log_density(self, x: Tensor) -> Tensor:
        return self.inner.log_density(self.images(x).flatten(0, 1)).view({elements}, -1).mean(0)
)";

constexpr const char* relaxed = R"(
    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        # (B, D, K) -> (G, B, D, K)
        images = p[:, self.image_sites].transpose(0, 1)
        images = images.gather(3, self.image_kinds.view({elements}, 1, 1, {categories}).expand_as(images))
        return self.inner.log_marginal_relaxed(images.flatten(0, 1)).view({elements}, -1).mean(0)
)";

}  // namespace

bool renames(const std::string& names) {
    const std::vector<std::string> words = words_of(names);
    return std::find(words.begin(), words.end(), "rename") != words.end();
}

std::vector<Symmetry> symbol_swaps(const Domain& domain) {
    std::vector<Symmetry> swaps;
    for (std::int64_t k = 1; k < domain.categories; ++k) swaps.push_back(swapped_symbols(domain, k - 1, k));
    return swaps;
}

std::vector<Symmetry> symmetry_group(const std::string& names, const Domain& domain) {
    std::vector<Symmetry> steps;
    for (const std::string& name : words_of(names))
        for (Symmetry& step : generators(name, domain)) steps.push_back(std::move(step));
    std::vector<Symmetry> group{identity_of(domain)};
    std::set<Symmetry> found(group.begin(), group.end());
    for (std::size_t i = 0; i < group.size(); ++i)
        for (const Symmetry& step : steps) {
            Symmetry next = product_of(group[i], step);
            if (!found.insert(next).second) continue;
            if (group.size() == most_elements)
                throw Error(
                    fmt::format("train.symmetries = \"{}\" are more than {} images of a state, and each costs a "
                                "pass; leave out 'shift' or 'permute'",
                                names, most_elements));
            group.push_back(std::move(next));
        }
    return group;
}

bool moves_sites(const std::vector<Symmetry>& group) {
    return std::any_of(group.begin(), group.end(), [](const Symmetry& element) {
        return !std::is_sorted(element.sites.begin(), element.sites.end());
    });
}

void require_symmetric(const Energy& energy, const std::vector<Symmetry>& group) {
    FastRandom random(0);
    std::vector<std::uint8_t> x(static_cast<std::size_t>(energy.sites())), image(x.size());
    for (int tried = 0; tried < 4; ++tried) {
        for (std::uint8_t& symbol : x) symbol = static_cast<std::uint8_t>(random.below(energy.categories()));
        const double log_f = energy.log_density(x);
        for (const Symmetry& element : group) {
            for (std::size_t d = 0; d < x.size(); ++d)
                image[d] = static_cast<std::uint8_t>(element.symbols[x[element.sites[d]]]);
            const double of_image = energy.log_density(image);
            if (log_f == of_image || std::abs(log_f - of_image) <= 1e-9 * (1 + std::abs(log_f))) continue;
            throw Error(fmt::format(
                "the energy does not have the symmetries of train.symmetries: log f is {:.6g} of one state and "
                "{:.6g} of its image; leave out the one that it lacks (a field ends 'flip', couplings "
                "that differ end 'shift', 'mirror' and 'rotate')",
                log_f, of_image));
        }
    }
}

torch::jit::Module* symmetrised(const torch::jit::Module& inner, const Domain& domain,
                                const std::vector<Symmetry>& group) {
    if (inner.hasattr("consistent") && inner.attr("consistent").toInt() != 0)
        throw Error(
            "train.symmetries would end the exact sum rule of this network, as a mean of logarithms does; leave them "
            "out, or "
            "use another network");
    auto module = std::make_unique<torch::jit::Module>("symmetrised");
    module->register_module("inner", inner);
    const at::Tensor sites = table_of(group, &Symmetry::sites), symbols = table_of(group, &Symmetry::symbols);
    module->register_buffer("image_sites", sites);
    module->register_buffer("image_places", sites.argsort(1, false));  // where a site's symbol goes
    module->register_buffer("image_symbols", symbols);
    std::string source = methods;
    for (const auto& [name, text] :
         {std::pair{"conditional_at", conditional_at}, {"joint", joint}, {"log_density", log_density}})
        if (inner.find_method(name)) source += text;
    if (inner.find_method("log_marginal_relaxed")) {
        module->register_buffer("image_kinds", symbols.slice(1, 0, domain.categories).argsort(1, false));
        source += relaxed;
    }
    module->define(fmt::format(fmt::runtime(source), fmt::arg("elements", group.size()),
                               fmt::arg("sites", domain.sites), fmt::arg("categories", domain.categories),
                               fmt::arg("symbols", domain.categories + 1)));
    return module.release();
}

}  // namespace marginalia
