#include "planar_sum.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "both_ways.h"
#include "spin_line.h"

namespace free_fermions {
namespace {

using factor_graph::Dual;

template <class Scalar>
Scalar log_sum(std::size_t sites, const Sweep& sweep) {
    using Line = SpinLine<Scalar>;
    Line line(sweep.width);
    std::size_t left = 0;
    for (const Step& step : sweep.steps) {
        if (!step.leaves()) {
            line.apply(Line::bond(step.left, step.right, factor_graph::scaled<Scalar>(step.weight), step.around));
            continue;
        }
        line.apply(Line::mean(step.left));
        if (++left % sweep.width == 0) line.straighten();
    }
    return line.log_norm() + Scalar(static_cast<double>(sites) * std::numbers::ln2);
}

struct Both {
    Sweep there, back;
};

std::optional<Both> plan_both(const Graph& graph, std::vector<std::uint32_t> order) {
    auto there = plan_sweep(graph, order, PlanarSum::most_work);
    std::reverse(order.begin(), order.end());
    auto back = there ? plan_sweep(graph, order, PlanarSum::most_work) : std::nullopt;
    return back ? std::optional(Both{std::move(*there), std::move(*back)}) : std::nullopt;
}

}  // namespace

std::unique_ptr<const PlanarSum> PlanarSum::if_fits(std::size_t sites, std::span<const Bond> bonds,
                                                    std::size_t columns) {
    const Graph graph = graph_of(sites, bonds);
    std::vector<std::uint32_t> order(sites);
    std::iota(order.begin(), order.end(), 0u);
    auto best = plan_both(graph, order);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return a % columns < b % columns; });
    auto other = plan_both(graph, order);
    if (!best || (other && other->there.width < best->there.width)) best = std::move(other);
    if (!best) return nullptr;
    return std::unique_ptr<const PlanarSum>(new PlanarSum(sites, std::move(best->there), std::move(best->back)));
}

std::optional<double> PlanarSum::log_z() const {
    std::call_once(log_z_known_, [this] {
        const double there = log_sum<double>(sites_, there_);
        log_z_ = agreed(there, log_sum<double>(sites_, back_), there);
    });
    return log_z_;
}

std::optional<double> PlanarSum::entropy() const {
    std::call_once(entropy_known_,
                   [this] { entropy_ = agreed_entropy(log_sum<Dual>(sites_, there_), log_sum<Dual>(sites_, back_)); });
    return entropy_;
}

}  // namespace free_fermions
