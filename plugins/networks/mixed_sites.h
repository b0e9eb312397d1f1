// What networks share that take sites of real numbers, or of different numbers of symbols: what they read of them, and
// the log-density of each site alone.
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>
#include <marginalia/real_sites.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace marginalia {

namespace mixed_sites {

constexpr Parameter components = {.name = "components",
                                  .type = ParameterType::integer,
                                  .fallback = "10",
                                  .minimum = 1,
                                  .maximum = 1000,
                                  .unit = "densities",
                                  .help = "normal densities in the mixture of a site that holds a real number",
                                  .absent = "10"};

// Of real numbers networks see, besides the number itself up to 10, soft steps that say where in its range it lies.
constexpr const char* methods = R"(
    def real_values(self, x: Tensor) -> Tensor:
        values = (x + 4611686018427387904).double() * 2.3283064365386963e-10
        return values.to(self.steps.dtype).masked_fill(x >= 0, 0.0)

    def mixed_inputs(self, x: Tensor) -> Tensor:
        known = torch.one_hot(x.clamp(min=0), {symbols}).to(self.steps.dtype)
        v = self.real_values(x).clamp(-10.0, 10.0).unsqueeze(2)
        seen = torch.cat([v, torch.tanh(v - self.steps)], 2) * (x < 0).unsqueeze(2).to(v.dtype)
        return torch.cat([known, seen], 2)

    def held_log_p(self, numbers: Tensor, x: Tensor, symbols: Tensor) -> Tensor:
        # log p of what x (...) holds by numbers (..., W), 0 of □; `symbols`: where sites hold these.
        symbol = x.clamp(0, {categories} - 1).unsqueeze(-1)
        of_symbol = torch.log_softmax(numbers, -1).gather(-1, symbol).squeeze(-1)
        mixtures = numbers.masked_fill(symbols.unsqueeze(-1), 0.0)
        of_number = marginalia.mixture_log_density(mixtures, self.real_values(x))
        return torch.where(symbols, of_symbol, of_number) * (x < {categories}).to(numbers.dtype)

    def each_alone(self, numbers: Tensor, x: Tensor) -> Tensor:
        # log p of each known site (B, D) by the conditionals' numbers (1, D, W) of all □, which this does not teach.
        of_blank = numbers.detach().to(self.steps.dtype).expand(x.size(0), -1, -1)
        return self.held_log_p(of_blank, x, self.holds_symbols)
)";

}  // namespace mixed_sites

// The sites of a domain for a network that takes all kinds of them.
class MixedSites {
public:
    MixedSites(const Domain& domain, std::int64_t components) : domain_(domain), components_(components) {}

    bool any() const { return !domain_.site_categories.empty(); }
    std::int64_t numbers() const { return any() ? std::max(domain_.categories, 3 * components_) : domain_.categories; }
    std::int64_t inputs() const { return domain_.categories + 1 + (any() ? 1 + steps().numel() : 0); }

    // Buffers, and `mixed`; where sites differ.
    void add_to(NetworkBuilder& network) const {
        network.constant("mixed", std::int64_t{1});
        network.buffer("steps", steps());
        network.buffer("holds_symbols", at::tensor(domain_.site_categories, at::kLong) != 0);
        network.buffer("bars", bars());
    }

    // Methods real_values, mixed_inputs (B, D) -> (B, D, I), held_log_p and each_alone.
    std::string source() const {
        return fmt::format(fmt::runtime(mixed_sites::methods), fmt::arg("symbols", domain_.categories + 1),
                           fmt::arg("categories", domain_.categories));
    }

    // What the conditionals' numbers (D, W) begin as: symbols equally likely; of a real site densities whose means lie
    // as evenly spread as a normal number, and which together have its variance.
    at::Tensor start() const {
        const at::Tensor numbers = at::zeros({domain_.sites, this->numbers()});
        const std::int64_t count = this->numbers() / 3;
        const at::Tensor place = (at::arange(count, at::kDouble) + 0.5) / static_cast<double>(count);
        const at::Tensor means = at::special_ndtri(place);
        const double left = 1 - means.square().mean().item<double>() * shrunk * shrunk;
        for (std::int64_t d = 0; d < domain_.sites; ++d) {
            if (domain_.site_categories[static_cast<std::size_t>(d)] != 0) continue;
            numbers[d].slice(0, count, 2 * count).copy_(means * shrunk);
            numbers[d].slice(0, 2 * count, 3 * count).fill_(std::log(left) / 2);
        }
        return numbers;
    }

private:
    static constexpr double shrunk = 0.8;  // the means, as the densities around them are wide

    static at::Tensor steps() { return at::tensor({-3.0F, -1.5F, -0.5F, 0.5F, 1.5F, 3.0F}); }

    // (D, W), to be added: symbols that a site has not are as good as impossible. Finite, so that a sum which leaves
    // them out with weight 0 is a number.
    at::Tensor bars() const {
        constexpr double barred = -1e4;
        const at::Tensor bars = at::zeros({domain_.sites, numbers()});
        for (std::int64_t d = 0; d < domain_.sites; ++d)
            if (const auto own = domain_.site_categories[static_cast<std::size_t>(d)]; own != 0)
                bars[d].slice(0, own).fill_(barred);
        return bars;
    }

    const Domain domain_;
    const std::int64_t components_;
};

}  // namespace marginalia
