#include "kernel/worker/answer/region_figures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernel/worker/evaluate/statistics.h"

namespace marginalia {
namespace {

double entropy_of(const at::Tensor& log_p) { return at::special_entr(log_p.exp()).sum().item<double>(); }

// K^n, or 0 where that is more than are summed over.
std::int64_t states_of_sites(std::int64_t categories, std::size_t n) {
    std::int64_t states = 1;
    for (std::size_t site = 0; site < n && states > 0; ++site)
        states = states <= RegionFigures::most_summed / categories ? states * categories : 0;
    return states;
}

Region together(const Region& first, const Region& second) {
    Region both{first.name + "+" + second.name, {}};
    std::ranges::set_union(first.sites, second.sites, std::back_inserter(both.sites));
    return both;
}

}  // namespace

std::size_t RegionFigures::know(const Region& region) {
    const auto found = std::ranges::find(known_, region.name, [](const Known& known) { return known.region.name; });
    if (found != known_.end()) return static_cast<std::size_t>(found - known_.begin());
    Known known{region, at::tensor(region.sites, at::kLong),
                states_of_sites(asked_.trained.parts.domain.categories, region.sites.size())};
    if (known.states > 0) sum_up(known);
    known_.push_back(std::move(known));
    return known_.size() - 1;
}

void RegionFigures::sum_up(Known& known) const {
    const at::Tensor set = known.sites.unsqueeze(0);
    const at::Tensor log_p =
        conditioned_.tables(set, [this](const at::Tensor& rows) { return conditioned_.by_marginals(rows); }).flatten();
    known.log_sum = log_p.logsumexp(0).item<double>();
    if (!std::isfinite(known.log_sum))
        throw Error("region '" + known.region.name +
                    "': the sum of its states' p is not a positive number by this model; its weights may be damaged");
    known.log_p = log_p - known.log_sum;
    known.entropy = entropy_of(known.log_p);
    if (asked_.request.figures.exact)
        known.exact =
            entropy_of(conditioned_.tables(set, [this](const at::Tensor& rows) { return conditioned_.exactly(rows); }));
}

void RegionFigures::ask_entropy(const Region& region) {
    const std::size_t known = know(region);
    const auto is_it = [&](const Wanted& wanted) { return wanted.terms.size() == 1 && wanted.over == known; };
    if (std::ranges::any_of(wanted_, is_it)) return;
    Wanted wanted{{.name = "entropy", .of = region.name}, {{-1, known}}, known};
    if (is_summed(wanted)) wanted.figure.breach = std::expm1(known_[known].log_sum);
    wanted_.push_back(std::move(wanted));
}

void RegionFigures::ask_mutual_information(const Region& first, const Region& second) {
    const Region both = together(first, second);
    for (const Region* region : {&first, &second, &both}) ask_entropy(*region);
    wanted_.push_back({{.name = "mutual_information", .of = first.name + ":" + second.name},
                       {{-1, know(first)}, {-1, know(second)}, {1, know(both)}},
                       know(both)});
}

bool RegionFigures::wants_drawn() const {
    return !std::ranges::all_of(wanted_, [this](const Wanted& wanted) { return is_summed(wanted); });
}

void RegionFigures::add_drawn(const at::Tensor& x) {
    Rows rows;
    for (Wanted& wanted : wanted_)
        if (!is_summed(wanted)) add(wanted, x, rows);
}

// `rows`: what is known of these states already.
void RegionFigures::add(Wanted& wanted, const at::Tensor& x, Rows& rows) const {
    at::Tensor value = at::zeros({x.size(0)}, at::kDouble), gap = at::zeros_like(value);
    for (const Term& term : wanted.terms) {
        const auto [found, is_new] = rows.try_emplace(term.known);
        if (is_new) {
            const at::Tensor& sites = known_[term.known].sites;
            const at::Tensor partial = conditioned_.with(sites.expand({x.size(0), -1}), x.index_select(1, sites));
            found->second.value = conditioned_.by_marginals(partial) - known_[term.known].log_sum;
            found->second.gap = found->second.value - conditioned_.by_conditionals(partial);
        }
        value += term.factor * found->second.value;
        gap += term.factor * found->second.gap;
    }
    wanted.values.push_back(value);
    wanted.gaps.push_back(gap);
}

void RegionFigures::add_from_table(Wanted& wanted) const {
    const Known& over = known_[wanted.over];
    const at::Tensor p = over.log_p.exp().to(asked_.generator.device());
    const at::Tensor numbers = p.multinomial(asked_.request.count, true, asked_.generator).cpu();
    for (const at::Tensor& piece : numbers.split(asked_.request.batch)) {
        const auto n = static_cast<std::int64_t>(over.region.sites.size());
        Rows rows;
        add(wanted, conditioned_.with(over.sites.expand({piece.size(0), -1}), conditioned_.symbols_of(piece, n)), rows);
    }
}

Figure RegionFigures::finished(Wanted& wanted) const {
    Figure& figure = wanted.figure;
    const Known& over = known_[wanted.over];
    figure.sites = static_cast<std::int64_t>(over.region.sites.size());
    if (is_summed(wanted)) {
        add_from_table(wanted);
        figure.value = figure.exact = 0;
        for (const Term& term : wanted.terms) {
            figure.value -= term.factor * known_[term.known].entropy;
            figure.exact -= term.factor * known_[term.known].exact;
        }
        figure.by = "summed";
        figure.count = over.states;
    } else {
        const Spread spread = spread_of(at::cat(wanted.values));
        figure.value = spread.mean;
        figure.error = spread.error;
        figure.by = "drawn";
        figure.count = asked_.request.count;
    }
    const Spread gap = spread_of(at::cat(wanted.gaps));
    figure.gap = gap.mean;
    figure.gap_error = gap.error;
    return figure;
}

std::vector<Figure> RegionFigures::finish() {
    std::vector<Figure> figures;
    for (Wanted& wanted : wanted_) figures.push_back(finished(wanted));
    return figures;
}

}  // namespace marginalia
