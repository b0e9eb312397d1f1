#include "region_graph.h"

#include <marginalia/error.h>
#include <marginalia/lists.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <random>

namespace einet {

namespace {

constexpr std::size_t most_partitions = 100'000;

using Box = std::vector<std::pair<std::int64_t, std::int64_t>>;  // from, up to but not including, of each axis

std::vector<std::int64_t> sites_of(const Box& box, const std::vector<std::int64_t>& shape) {
    std::vector<std::int64_t> sites = {0};
    for (std::size_t axis = 0; axis < box.size(); ++axis) {
        std::vector<std::int64_t> longer;
        for (const std::int64_t site : sites)
            for (std::int64_t i = box[axis].first; i < box[axis].second; ++i) longer.push_back(site * shape[axis] + i);
        sites = std::move(longer);
    }
    return sites;
}

class BoxCutter {
public:
    BoxCutter(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& grids, bool longest_only,
              const std::string& key)
        : shape_(shape), grids_(grids), longest_only_(longest_only), key_(key) {
        Box all;
        for (const std::int64_t extent : shape) all.emplace_back(0, extent);
        add(all);
    }

    RegionGraph graph;

private:
    std::size_t add(const Box& box) {
        const auto [found, is_new] = known_.emplace(box, graph.size());
        const std::size_t number = found->second;
        if (!is_new) return number;
        graph.push_back({sites_of(box, shape_), {}});
        for (const auto& [axis, line] : cuts(box)) {
            if (++partitions_ > most_partitions)
                throw marginalia::Error("parameter '" + key_ + "': the structure has more than " +
                                        std::to_string(most_partitions) + " partitions; give larger pieces");
            Box left = box, right = box;
            left[axis].second = right[axis].first = line;
            const Partition partition{add(left), add(right)};
            graph[number].partitions.push_back(partition);
        }
        return number;
    }

    std::vector<std::pair<std::size_t, std::int64_t>> cuts(const Box& box) const {
        const auto extent = [](const auto& range) { return range.second - range.first; };
        const auto longest = std::max_element(box.begin(), box.end(),
                                              [&](const auto& a, const auto& b) { return extent(a) < extent(b); });
        std::vector<std::pair<std::size_t, std::int64_t>> found;
        for (const std::int64_t grid : grids_) {
            for (std::size_t axis = 0; axis < box.size(); ++axis) {
                if (longest_only_ && box.begin() + static_cast<std::ptrdiff_t>(axis) != longest) continue;
                for (std::int64_t line = box[axis].first / grid * grid + grid; line < box[axis].second; line += grid)
                    found.emplace_back(axis, line);
            }
            if (!found.empty()) break;
        }
        return found;
    }

    const std::vector<std::int64_t>& shape_;
    const std::vector<std::int64_t>& grids_;
    const bool longest_only_;
    const std::string key_;
    std::map<Box, std::size_t> known_;
    std::size_t partitions_ = 0;
};

// Not std::shuffle, which differs between standard libraries.
void shuffle(std::vector<std::int64_t>& sites, std::mt19937_64& random) {
    for (std::size_t i = sites.size() - 1; i > 0; --i) std::swap(sites[i], sites[random() % (i + 1)]);
}

void split(RegionGraph& graph, std::size_t number, std::int64_t depth, std::mt19937_64& random) {
    if (depth == 0 || graph[number].sites.size() < 2) return;
    std::vector<std::int64_t> sites = graph[number].sites;
    shuffle(sites, random);
    const auto middle = sites.begin() + static_cast<std::ptrdiff_t>((sites.size() + 1) / 2);
    const std::size_t left = graph.size(), right = left + 1;
    graph[number].partitions.push_back({left, right});
    graph.push_back({{sites.begin(), middle}, {}});
    graph.push_back({{middle, sites.end()}, {}});
    split(graph, left, depth - 1, random);
    split(graph, right, depth - 1, random);
}

std::vector<std::int64_t> levels_of(const RegionGraph& graph) {
    std::vector<std::int64_t> level(graph.size(), -1);
    const auto visit = [&](const auto& self, std::size_t number) -> std::int64_t {
        if (level[number] >= 0) return level[number];
        std::int64_t highest = -1;
        for (const Partition& p : graph[number].partitions)
            highest = std::max({highest, self(self, p.left), self(self, p.right)});
        return level[number] = highest + 1;
    };
    visit(visit, 0);
    return level;
}

// How many regions of each level are in use at most below the root, itself included, where each region in use takes one
// of its partitions.
std::vector<std::int64_t> most_used(const RegionGraph& graph, const std::vector<std::int64_t>& level_of) {
    std::vector<std::size_t> lowest_first(graph.size());
    std::iota(lowest_first.begin(), lowest_first.end(), std::size_t{0});
    std::stable_sort(lowest_first.begin(), lowest_first.end(),
                     [&](std::size_t a, std::size_t b) { return level_of[a] < level_of[b]; });
    std::vector<std::vector<std::int64_t>> most(graph.size());
    for (const std::size_t region : lowest_first) {
        std::vector<std::int64_t>& own = most[region];
        own.assign(static_cast<std::size_t>(level_of[region]) + 1, 0);
        for (const Partition& p : graph[region].partitions)
            for (std::size_t level = 0; level + 1 < own.size(); ++level) {
                const auto of = [&](std::size_t part) { return level < most[part].size() ? most[part][level] : 0; };
                own[level] = std::max(own[level], of(p.left) + of(p.right));
            }
        own.back() = 1;
    }
    return most.front();
}

// Puts together the level that makes the regions `above`, and leaves in `above` what is live below it.
Level level_below(const RegionGraph& graph, const std::vector<std::int64_t>& level_of,
                  std::vector<std::size_t>& above) {
    const std::int64_t number = level_of[above.front()];
    Level level;
    std::vector<std::size_t> own, needed;
    for (const std::size_t region : above)
        if (level_of[region] == number) own.push_back(region);
    for (const std::size_t region : own) {
        level.partitions.push_back(static_cast<std::int64_t>(graph[region].partitions.size()));
        level.ways = std::max(level.ways, level.partitions.back());
    }
    for (const auto side : {&Partition::left, &Partition::right})
        for (const std::size_t region : own)
            for (std::int64_t way = 0; way < level.ways; ++way) {
                const auto& list = graph[region].partitions;
                const auto number_of = static_cast<std::size_t>(way);
                needed.push_back(list[number_of < list.size() ? number_of : 0].*side);
            }
    level.carried = static_cast<std::int64_t>(above.size() - own.size());
    needed.insert(needed.end(), above.begin() + static_cast<std::ptrdiff_t>(own.size()), above.end());

    std::map<std::size_t, std::int64_t> place;
    std::vector<std::size_t> below;
    for (const bool next : {true, false})  // the next level's own regions, then what it carries
        for (const std::size_t region : needed)
            if ((level_of[region] == number - 1) == next &&
                place.emplace(region, static_cast<std::int64_t>(below.size())).second)
                below.push_back(region);
    for (const std::size_t region : needed) level.picks.push_back(place.at(region));
    level.live = static_cast<std::int64_t>(below.size());
    std::vector<std::int64_t> counting(below.size());
    std::iota(counting.begin(), counting.end(), std::int64_t{0});
    level.plain = level.picks == counting;
    above = std::move(below);
    return level;
}

}  // namespace

std::vector<std::int64_t> parse_grids(const std::string& text, const std::string& key) {
    if (const auto grids = marginalia::whole_numbers(text, 1, std::numeric_limits<std::int64_t>::max())) return *grids;
    throw marginalia::Error("parameter '" + key + "' is '" + text +
                            "'; give whole numbers from 1 with commas between them, the coarsest first, as 14,7");
}

RegionGraph box_regions(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& grids,
                        bool longest_only, const std::string& key) {
    RegionGraph graph = BoxCutter(shape, grids, longest_only, key).graph;
    if (!graph.front().partitions.empty()) return graph;
    std::string extents;
    for (const std::int64_t extent : shape) extents += (extents.empty() ? "" : " x ") + std::to_string(extent);
    throw marginalia::Error("parameter '" + key + "': no piece size given is below the longest extent of the layout, " +
                            extents + "; give smaller pieces");
}

RegionGraph random_trees(std::int64_t sites, std::int64_t depth, std::int64_t replicas, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    RegionGraph graph(1);
    graph.front().sites.resize(static_cast<std::size_t>(sites));
    std::iota(graph.front().sites.begin(), graph.front().sites.end(), std::int64_t{0});
    for (std::int64_t replica = 0; replica < replicas; ++replica) split(graph, 0, depth, random);
    return graph;
}

Plan plan_of(const RegionGraph& graph) {
    const std::vector<std::int64_t> level_of = levels_of(graph);
    Plan plan;
    std::vector<std::size_t> live = {0};
    for (std::int64_t level = level_of.front(); level > 0; --level)
        plan.levels.push_back(level_below(graph, level_of, live));
    std::reverse(plan.levels.begin(), plan.levels.end());
    plan.leaves = std::move(live);
    const std::vector<std::int64_t> most = most_used(graph, level_of);
    plan.most_leaves = most.front();
    for (std::size_t level = 0; level < plan.levels.size(); ++level) plan.levels[level].most_used = most[level + 1];
    return plan;
}

}  // namespace einet
