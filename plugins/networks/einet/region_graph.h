// Region graphs: which sets of sites a circuit has sums for, and how they split into two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace einet {

// Two regions without a common site that together have the sites of the region that lists them.
struct Partition {
    std::size_t left, right;
};

struct Region {
    std::vector<std::int64_t> sites;
    std::vector<Partition> partitions;  // none: a leaf
};

// The first region is the root, which has all sites. Every other one is part of some partition.
using RegionGraph = std::vector<Region>;

// Boxes of a layout with these extents, slowest axis first. A box is cut in two at every line of the first of `grids`
// that has a line inside it; lines lie at the multiples of the grid's number. With `longest_only` a box is cut across
// its longest axis alone, the first of equals. Equal boxes are one region (H. Poon, P. Domingos, UAI 2011). Throws
// Error where no grid cuts the layout or there are more than 100,000 partitions, naming `key`, the parameter to change.
RegionGraph box_regions(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& grids,
                        bool longest_only, const std::string& key);

// The grids of a text such as "14,7". Throws Error naming `key` where it is anything else.
std::vector<std::int64_t> parse_grids(const std::string& text, const std::string& key);

// `replicas` binary trees below one root. Each halves its sites at random `depth` times, or until one is left (R.
// Peharz et al., Random sum-product networks, UAI 2019). The same trees for the same seed everywhere. Needs 2 sites.
RegionGraph random_trees(std::int64_t sites, std::int64_t depth, std::int64_t replicas, std::uint64_t seed);

// Regions whose parts are all of lower levels, to be worked on at once. Below a level lie the `live` regions that it or
// a higher one uses; a level turns them into its own regions, followed by those that only higher levels use.
struct Level {
    std::int64_t live = 0;
    std::vector<std::int64_t> partitions;  // of each region
    std::int64_t ways = 0;                 // the most of them; a region that has fewer repeats its first one
    std::int64_t carried = 0;              // live regions that are passed on
    std::vector<std::int64_t> picks;       // live regions: left, right parts, (regions, ways) each, then the carried
    bool plain = false;                    // the picks are 0, 1, ...
    std::int64_t most_used = 0;            // of its regions, the most that the choice of a partition each leaves in use
};

struct Plan {
    std::vector<std::size_t> leaves;  // what is live below the first level
    std::int64_t most_leaves = 0;     // the most of them in use
    std::vector<Level> levels;        // the last has the root alone
};

// Leaves first, each region in the lowest level that it can be in, and in the order in which the next level uses it.
Plan plan_of(const RegionGraph& graph);

}  // namespace einet
