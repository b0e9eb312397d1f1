#include "kernel/worker/answer/pair_figures.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace marginalia {
namespace {

using SitePairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

at::Tensor tensor_of(const SitePairs& pairs) {
    at::Tensor sites = at::empty({static_cast<std::int64_t>(pairs.size()), 2}, at::kLong);
    auto* next = sites.mutable_data_ptr<std::int64_t>();
    for (const auto& [first, second] : pairs) *next++ = first, *next++ = second;
    return sites;
}

// The correlations of sites by one way to log p.
class Correlations {
public:
    Correlations(const Conditioned& conditioned, std::int64_t categories, LogP log_p)
        : conditioned_(conditioned), log_p_(std::move(log_p)),
          unknown_((conditioned.given()[0] == categories).nonzero()),
          singles_(at::zeros({conditioned.given().size(1), categories}, at::kDouble)) {
        const at::Tensor s = at::tensor({-1.0, 1.0}, at::kDouble);
        observable_ = categories == 2 ? s.outer(s) : at::eye(categories, at::kDouble);
        if (unknown_.size(0) > 0)
            singles_.index_copy_(0, unknown_.flatten(), conditioned_.tables(unknown_, log_p_).softmax(1));
    }

    struct Mean {
        double value = 0, breach = 0;
    };
    // Over pairs (P, 2).
    Mean mean(const at::Tensor& pairs) const {
        Mean found;
        const std::int64_t categories = observable_.size(0);
        for (const at::Tensor& piece : pairs.split(std::max<std::int64_t>(1, most_at_once / categories / categories)))
            add(piece, found);
        found.value /= static_cast<double>(pairs.size(0));
        return found;
    }

private:
    static constexpr std::int64_t most_at_once = 1 << 22;  // numbers in memory

    // Adds the correlations of these pairs to the value.
    void add(const at::Tensor& pairs, Mean& found) const {
        const std::int64_t categories = observable_.size(0);
        const at::Tensor log_p = conditioned_.tables(pairs, log_p_), breaches = log_p.logsumexp(1).expm1();
        const double breach = breaches[breaches.abs().argmax()].item<double>();
        if (!(std::abs(breach) <= std::abs(found.breach))) found.breach = breach;
        // The first site counts fastest: it is the last axis.
        const at::Tensor joint = log_p.softmax(1).view({pairs.size(0), categories, categories});
        const at::Tensor first = singles_.index_select(0, pairs.select(1, 0)).unsqueeze(1);
        const at::Tensor second = singles_.index_select(0, pairs.select(1, 1)).unsqueeze(2);
        found.value += ((joint - first * second) * observable_).sum().item<double>();
    }

    const Conditioned& conditioned_;
    const LogP log_p_;
    const at::Tensor unknown_;  // (U, 1)
    at::Tensor singles_;        // (D, K): p of each unknown site
    at::Tensor observable_;     // (K, K)
};

// The same correlations by all that is asked for.
class CorrelationFigures {
public:
    CorrelationFigures(Asked& asked, const Conditioned& conditioned)
        : by_marginals_(conditioned, asked.trained.parts.domain.categories,
                        [&conditioned](const at::Tensor& rows) { return conditioned.by_marginals(rows); }) {
        const std::int64_t categories = asked.trained.parts.domain.categories;
        if (conditioned.known() == 0)
            by_conditionals_.emplace(conditioned, categories, [&conditioned](const at::Tensor& rows) {
                return conditioned.by_conditionals(rows);
            });
        if (asked.request.figures.exact)
            exact_.emplace(conditioned, categories,
                           [&conditioned](const at::Tensor& rows) { return conditioned.exactly(rows); });
    }

    Figure figure(const std::string& of, const SitePairs& pairs) const {
        const at::Tensor sites = tensor_of(pairs);
        const Correlations::Mean found = by_marginals_.mean(sites);
        Figure figure{.name = "correlation", .of = of, .sites = 2, .value = found.value, .breach = found.breach};
        if (by_conditionals_) figure.gap = found.value - by_conditionals_->mean(sites).value;
        if (exact_) figure.exact = exact_->mean(sites).value;
        figure.by = "pairs";
        figure.count = sites.size(0);
        return figure;
    }

private:
    const Correlations by_marginals_;
    std::optional<Correlations> by_conditionals_;  // given nothing: elsewhere their random orders would be seen
    std::optional<Correlations> exact_;
};

// All pairs of unknown sites `distance` apart along an axis of which neighbours are `below` sites apart.
SitePairs pairs_apart(const at::Tensor& is_unknown, const Layout& layout, std::size_t axis, std::int64_t below,
                      std::int64_t distance) {
    const std::int64_t extent = layout.shape[axis], sites = is_unknown.size(0);
    const auto* unknown = is_unknown.const_data_ptr<bool>();
    // Half way round, each pair is met from both sides.
    const std::int64_t starts = layout.periodic && 2 * distance < extent ? extent : extent - distance;
    SitePairs pairs;
    for (std::int64_t site = 0; site < sites; ++site) {
        const std::int64_t place = site / below % extent;
        if (place >= starts) continue;
        const std::int64_t other = site + ((place + distance) % extent - place) * below;
        if (unknown[site] && unknown[other]) pairs.emplace_back(site, other);
    }
    return pairs;
}

// "(0,3)": by how much the place along each axis differs.
std::string step_text(std::size_t axes, std::size_t axis, std::int64_t distance) {
    std::vector<std::int64_t> step(axes);
    step[axis] = distance;
    return fmt::format("({})", fmt::join(step, ","));
}

void check_pair(const Conditioned& conditioned, std::int64_t categories, std::int64_t first, std::int64_t second) {
    const std::int64_t sites = conditioned.given().size(1);
    if (first == second) throw Error(fmt::format("--pair {0},{0} is one site; name two", first));
    for (const std::int64_t site : {first, second}) {
        if (site >= sites)
            throw Error(fmt::format("--pair {},{}: there is no site {}; there are sites 0 to {}", first, second, site,
                                    sites - 1));
        if (conditioned.given()[0][site].item<std::int64_t>() != categories)
            throw Error(fmt::format("--pair {},{}: site {} is known by the given state; name unknown ones", first,
                                    second, site));
    }
}

// A figure for each axis and distance of up to half the extent, where there are such pairs.
std::vector<Figure> by_distance(const CorrelationFigures& figures, const Domain& domain, const at::Tensor& is_unknown) {
    std::vector<Figure> all;
    std::int64_t below = domain.sites;
    for (std::size_t axis = 0; axis < domain.layout.shape.size(); ++axis) {
        below /= domain.layout.shape[axis];
        for (std::int64_t r = 1; r <= domain.layout.shape[axis] / 2; ++r) {
            const SitePairs pairs = pairs_apart(is_unknown, domain.layout, axis, below, r);
            if (!pairs.empty()) all.push_back(figures.figure(step_text(domain.layout.shape.size(), axis, r), pairs));
        }
    }
    return all;
}

}  // namespace

std::vector<Figure> pair_figures(Asked& asked, const Conditioned& conditioned) {
    const FiguresRequest& request = asked.request.figures;
    const Domain& domain = asked.trained.parts.domain;
    for (const auto& [first, second] : request.pairs) check_pair(conditioned, domain.categories, first, second);
    if (request.pairs.empty() && !request.correlations) return {};
    const CorrelationFigures figures(asked, conditioned);
    std::vector<Figure> all;
    if (request.correlations) all = by_distance(figures, domain, conditioned.given()[0] == domain.categories);
    for (const auto& [first, second] : request.pairs)
        all.push_back(figures.figure(fmt::format("{},{}", first, second), {{first, second}}));
    return all;
}

}  // namespace marginalia
