#include "frontier_sum.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "frontier_table.h"

namespace factor_graph {
namespace {

using Step = FrontierSum::Step;

constexpr double most_work = 0x1p36;
constexpr double widest_range = 600;  // log of the largest over the smallest entry

struct Plan {
    std::vector<Step> steps;
    std::size_t slots = 0;
};

class Planner {
public:
    explicit Planner(const EqualityModel& model)
        : neighbours_(model.sites), left_(model.sites), slots_(model.sites, none) {
        for (const EqualityModel::Edge& edge : model.edges) {
            neighbours_[edge.a].push_back({edge.b, edge.weight});
            neighbours_[edge.b].push_back({edge.a, edge.weight});
        }
        for (std::size_t site = 0; site < model.sites; ++site) left_[site] = neighbours_[site].size();
    }

    void enter(std::uint32_t site) {
        Step step{none, 0, {}, {}};
        for (const Neighbour& neighbour : neighbours_[site]) {
            if (slots_[neighbour.site] == none) continue;
            --left_[site];
            const bool ends = --left_[neighbour.site] == 0;
            if (ends && step.slot == none) {
                step.slot = slots_[neighbour.site], step.weight = neighbour.weight;
                continue;
            }
            step.others.push_back({slots_[neighbour.site], neighbour.weight});
            if (ends) step.end.push_back(slots_[neighbour.site]);
        }
        if (step.slot == none) step.slot = lowest_free();
        slots_[site] = step.slot;
        if (left_[site] == 0) step.end.push_back(step.slot);
        for (const std::uint32_t slot : step.end) taken_[slot] = false;
        plan_.steps.push_back(std::move(step));
    }

    std::size_t slots() const { return taken_.size(); }
    Plan plan() && {
        plan_.slots = slots();
        return std::move(plan_);
    }

private:
    struct Neighbour {
        std::uint32_t site;
        double weight;
    };
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    std::uint32_t lowest_free() {
        const auto free = std::find(taken_.begin(), taken_.end(), false);
        const auto slot = static_cast<std::uint32_t>(free - taken_.begin());
        if (free == taken_.end()) taken_.push_back(true);
        else taken_[slot] = true;
        return slot;
    }

    std::vector<std::vector<Neighbour>> neighbours_;
    std::vector<std::size_t> left_;     // edges that are not done, of each site
    std::vector<std::uint32_t> slots_;  // of each site that has come
    std::vector<bool> taken_;           // slots
    Plan plan_;
};

std::optional<Plan> plan_of(const EqualityModel& model, const std::vector<std::uint32_t>& order) {
    Planner planner(model);
    const auto values = static_cast<double>(model.values), sites = static_cast<double>(model.sites);
    for (const std::uint32_t site : order) {
        planner.enter(site);
        const double entries = std::pow(values, static_cast<double>(planner.slots()));
        if (entries > FrontierSum::most_entries || sites * entries > most_work) return std::nullopt;
    }
    return std::move(planner).plan();
}

// Turning one site changes an entry by no more than its edges and its field.
double most_of_a_site(const EqualityModel& model) {
    std::vector<double> sums(model.sites, std::abs(model.field));
    for (const EqualityModel::Edge& edge : model.edges)
        sums[edge.a] += std::abs(edge.weight), sums[edge.b] += std::abs(edge.weight);
    return *std::max_element(sums.begin(), sums.end());
}

template <class Scalar>
Scalar log_sum(const EqualityModel& model, std::span<const Step> steps, std::size_t slots) {
    using std::exp;
    FrontierTable<Scalar> table(model.values, slots);
    const Scalar zero = exp(scaled<Scalar>(model.field));
    for (const Step& step : steps) {
        table.renew(step.slot, exp(scaled<Scalar>(step.weight)), zero);
        for (const Step::Equal& other : step.others)
            table.weigh_equal(step.slot, other.slot, exp(scaled<Scalar>(other.weight)));
        for (const std::uint32_t slot : step.end) table.sum_out(slot);
    }
    return table.log_total() + scaled<Scalar>(model.constant);
}

}  // namespace

std::unique_ptr<const FrontierSum> FrontierSum::if_fits(EqualityModel model, std::size_t columns) {
    std::vector<std::uint32_t> order(model.sites);
    std::iota(order.begin(), order.end(), 0u);
    auto best = plan_of(model, order);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return a % columns < b % columns; });
    auto other = plan_of(model, order);
    if (!best || (other && other->slots < best->slots)) best = std::move(other);
    if (!best || static_cast<double>(best->slots) * most_of_a_site(model) > widest_range) return nullptr;
    return std::unique_ptr<const FrontierSum>(new FrontierSum(std::move(model), std::move(best->steps), best->slots));
}

std::optional<double> FrontierSum::log_z() const {
    std::call_once(log_z_known_, [this] { log_z_ = log_sum<double>(model_, steps_, slots_); });
    return log_z_;
}

std::optional<double> FrontierSum::entropy() const {
    std::call_once(entropy_known_, [this] {
        const Dual sum = log_sum<Dual>(model_, steps_, slots_);
        entropy_ = sum.value - sum.slope;
    });
    return entropy_;
}

}  // namespace factor_graph
