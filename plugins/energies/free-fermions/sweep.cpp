#include "sweep.h"

#include <algorithm>

namespace free_fermions {
namespace {

// What a site does where the bonds so far leave it two sides: which of them the sites to come can do with depends on
// the lattice.
struct Habits {
    bool before;  // beside the only site that it meets, it stands before and not after it
    bool first;   // of two sites that are the whole line, it stands after the first and not the last
};

class Planner {
public:
    Planner(const Graph& graph, const Habits& habits)
        : graph_(graph), habits_(habits), left_(graph.size()), slots_(graph.size(), none) {
        for (std::size_t site = 0; site < graph.size(); ++site) left_[site] = graph[site].size();
    }

    // False: some bond of the site would cross others.
    bool enter(std::uint32_t site) {
        met_.clear();
        for (const Neighbour& neighbour : graph_[site])
            if (slots_[neighbour.site] != none) met_.push_back(neighbour);
        const auto first = first_met();
        if (!first) return false;
        take_slot(site);
        if (met_.empty()) line_.push_back(site);
        else if (met_.size() == 1 && habits_.before) stand_before(*first, site);
        else stand_after(*first, site);
        if (left_[site] == 0) leave(site);
        return true;
    }

    std::size_t width() const { return sweep_.width; }
    Sweep sweep() && { return std::move(sweep_); }

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    const Neighbour* find_met(std::uint32_t site) const {
        const auto found = std::find_if(met_.begin(), met_.end(), [&](const Neighbour& n) { return n.site == site; });
        return found == met_.end() ? nullptr : &*found;
    }

    // Whether the sites met stand side by side from this place on, all but the outer two with their last bond.
    bool meets_from(std::size_t first) const {
        for (std::size_t i = 0; i < met_.size(); ++i) {
            const std::uint32_t site = line_[(first + i) % line_.size()];
            const bool outer = i == 0 || i + 1 == met_.size();
            if (!find_met(site) || (!outer && left_[site] > 1)) return false;
        }
        return true;
    }

    // nullopt: there is no such place. Several there are where the sites met are the whole line.
    std::optional<std::size_t> first_met() const {
        if (met_.empty()) return 0;
        for (std::size_t i = 0; i < line_.size(); ++i) {
            const std::size_t place = habits_.first ? i : line_.size() - 1 - i;
            if (meets_from(place)) return place;
        }
        return std::nullopt;
    }

    void stand_before(std::size_t place, std::uint32_t site) {
        const std::uint32_t after = line_[place];
        line_.insert(line_.begin() + static_cast<std::ptrdiff_t>(place), site);
        join(site, after, false);
    }

    void stand_after(std::size_t place, std::uint32_t site) {
        const std::uint32_t before = line_[place];
        line_.insert(line_.begin() + static_cast<std::ptrdiff_t>(place) + 1, site);
        join(before, site, false);
        for (std::size_t i = 1; i < met_.size(); ++i) {
            const std::size_t next = place_of(site) + 1;
            join(site, line_[next % line_.size()], next == line_.size());
        }
    }

    std::size_t place_of(std::uint32_t site) const {
        return static_cast<std::size_t>(std::find(line_.begin(), line_.end(), site) - line_.begin());
    }

    void take_slot(std::uint32_t site) {
        if (free_.empty()) free_.push_back(static_cast<std::uint32_t>(sweep_.width++));
        slots_[site] = free_.back();
        free_.pop_back();
    }

    // The bond of the entering site, which is one of the two, with a site that it met.
    void join(std::uint32_t left, std::uint32_t right, bool around) {
        const Neighbour* met = find_met(left) ? find_met(left) : find_met(right);
        sweep_.steps.push_back({slots_[left], slots_[right], around, met->weight});
        --left_[left], --left_[right];
        if (left_[met->site] == 0) leave(met->site);
    }

    void leave(std::uint32_t site) {
        sweep_.steps.push_back({slots_[site], slots_[site], false, 0});
        free_.push_back(slots_[site]);
        slots_[site] = none;
        line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(place_of(site)));
    }

    const Graph& graph_;
    const Habits habits_;
    std::vector<std::size_t> left_;     // bonds that are not done, of each site
    std::vector<std::uint32_t> slots_;  // of each site; none: it is not on the line
    std::vector<std::uint32_t> line_, free_;
    std::vector<Neighbour> met_;  // of the entering site, those on the line
    Sweep sweep_{};
};

std::optional<Sweep> plan_with(const Habits& habits, const Graph& graph, std::span<const std::uint32_t> order,
                               double most_work) {
    Planner planner(graph, habits);
    for (const std::uint32_t site : order) {
        if (!planner.enter(site)) return std::nullopt;
        const auto width = static_cast<double>(planner.width());
        if (static_cast<double>(graph.size()) * width * width > most_work) return std::nullopt;
    }
    return std::move(planner).sweep();
}

}  // namespace

Graph graph_of(std::size_t sites, std::span<const Bond> bonds) {
    Graph graph(sites);
    for (const Bond& bond : bonds) {
        graph[bond.a].push_back({bond.b, bond.weight});
        graph[bond.b].push_back({bond.a, bond.weight});
    }
    return graph;
}

std::optional<Sweep> plan_sweep(const Graph& graph, std::span<const std::uint32_t> order, double most_work) {
    for (const bool before : {false, true})
        for (const bool first : {false, true})
            if (auto sweep = plan_with({before, first}, graph, order, most_work)) return sweep;
    return std::nullopt;
}

}  // namespace free_fermions
