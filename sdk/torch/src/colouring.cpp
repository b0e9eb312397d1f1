#include "colouring.h"

#include <algorithm>

namespace marginalia {
namespace {

constexpr std::size_t most_times = 8;  // the neighbours of one site of a class against those of another

using Colours = std::vector<std::int64_t>;  // by site; -1: none yet

std::int64_t least_free(const std::vector<Neighbour>& around, const Colours& colours) {
    std::vector<bool> taken(around.size() + 1, false);
    for (const Neighbour& neighbour : around) {
        const std::int64_t colour = colours[neighbour.site];
        if (colour >= 0 && static_cast<std::size_t>(colour) < taken.size())
            taken[static_cast<std::size_t>(colour)] = true;
    }
    return std::find(taken.begin(), taken.end(), false) - taken.begin();
}

// Breadth first from `start`: of a bipartite graph each site then finds the neighbours before it in one colour.
void colour_from(std::size_t start, const Neighbours& neighbours, Colours& colours) {
    std::vector<std::size_t> queue{start};
    colours[start] = 0;
    for (std::size_t next = 0; next < queue.size(); ++next)
        for (const Neighbour& neighbour : neighbours[queue[next]]) {
            if (colours[neighbour.site] >= 0) continue;
            colours[neighbour.site] = least_free(neighbours[neighbour.site], colours);
            queue.push_back(neighbour.site);
        }
}

}  // namespace

Neighbours neighbours_of(const EnergyForm& form, std::int64_t sites) {
    Neighbours neighbours(static_cast<std::size_t>(sites));
    for (const EnergyForm::Pair& pair : form.pairs) {
        neighbours[pair.first].push_back({pair.second, pair.table, false});
        neighbours[pair.second].push_back({pair.first, pair.table, true});
    }
    return neighbours;
}

std::vector<std::vector<std::int64_t>> colour_classes(const Neighbours& neighbours) {
    Colours colours(neighbours.size(), -1);
    for (std::size_t site = 0; site < colours.size(); ++site)
        if (colours[site] < 0) colour_from(site, neighbours, colours);

    std::vector<std::int64_t> sites(colours.size());
    for (std::size_t site = 0; site < sites.size(); ++site) sites[site] = static_cast<std::int64_t>(site);
    const auto colour = [&](std::int64_t site) { return colours[static_cast<std::size_t>(site)]; };
    const auto degree = [&](std::int64_t site) { return neighbours[static_cast<std::size_t>(site)].size(); };
    std::stable_sort(sites.begin(), sites.end(), [&](std::int64_t a, std::int64_t b) {
        return colour(a) != colour(b) ? colour(a) < colour(b) : degree(a) > degree(b);
    });
    std::vector<std::vector<std::int64_t>> classes;
    for (const std::int64_t site : sites) {
        const bool fits = !classes.empty() && colour(classes.back().front()) == colour(site) &&
                          degree(classes.back().front()) <= most_times * std::max<std::size_t>(degree(site), 1);
        if (!fits) classes.emplace_back();
        classes.back().push_back(site);
    }
    for (auto& of_class : classes) std::sort(of_class.begin(), of_class.end());
    return classes;
}

}  // namespace marginalia
