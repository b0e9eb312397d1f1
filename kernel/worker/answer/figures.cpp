#include "kernel/worker/answer/figures.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "kernel/worker/answer/free_energy.h"
#include "kernel/worker/answer/pair_figures.h"
#include "kernel/worker/answer/region_figures.h"

namespace marginalia {
namespace {

// (1, D); all □ where nothing is given.
at::Tensor given_state(const Asked& asked) {
    const TrialParts& parts = asked.trained.parts;
    if (asked.request.states.empty()) return at::full({1, parts.domain.sites}, parts.domain.categories, at::kLong);
    StateSource states = open_states(parts, asked.request);
    const std::vector<std::uint8_t> first = states.first(1);
    if (!states.next(1).empty())
        throw Error(asked.request.states + " holds several states, and figures are given one; name a single one");
    return from_bytes({first, static_cast<std::size_t>(parts.domain.sites)});
}

// The regions by their names, without the sites that are known.
class Regions {
public:
    Regions(const FiguresRequest& request, const Layout& layout, const at::Tensor& is_unknown) {
        all_ = unknown_of(read_region("all", "all", layout), is_unknown);
        for (const auto& [name, text] : request.regions)
            by_name_[name] = unknown_of(read_region(name, text, layout), is_unknown);
    }

    const Region& named(const std::string& name) const { return by_name_.at(name); }

    // Throws Error where they share a site.
    std::pair<Region, Region> named(const FiguresRequest::Names& names) const {
        const auto& [first, second] = names;
        if (!by_name_.contains(second)) return {named(first), rest_of(named(first))};
        if (!by_name_.contains(first)) return {rest_of(named(second)), named(second)};
        std::vector<std::int64_t> shared;
        std::ranges::set_intersection(named(first).sites, named(second).sites, std::back_inserter(shared));
        if (!shared.empty())
            throw Error(
                fmt::format("regions '{}' and '{}' share site {}; --between is for regions without one in common",
                            first, second, shared.front()));
        return {named(first), named(second)};
    }

private:
    static Region unknown_of(Region region, const at::Tensor& is_unknown) {
        const auto* unknown = is_unknown.const_data_ptr<bool>();
        std::erase_if(region.sites, [unknown](std::int64_t site) { return !unknown[site]; });
        return region;
    }

    Region rest_of(const Region& region) const {
        Region rest{"rest of " + region.name, {}};
        std::ranges::set_difference(all_.sites, region.sites, std::back_inserter(rest.sites));
        return rest;
    }

    Region all_;
    std::map<std::string, Region> by_name_;
};

void ask_about(const FiguresRequest& request, const Regions& regions, RegionFigures& figures) {
    for (const auto& [name, text] : request.regions) figures.ask_entropy(regions.named(name));
    for (const FiguresRequest::Names& names : request.between) {
        const auto [first, second] = regions.named(names);
        figures.ask_mutual_information(first, second);
    }
}

void append(std::vector<Figure>& figures, const std::vector<Figure>& more) {
    figures.insert(figures.end(), more.begin(), more.end());
}

}  // namespace

void answer_figures(Asked& asked) {
    const InferenceRequest& request = asked.request;
    const TrialParts& parts = asked.trained.parts;
    const Conditioned conditioned(asked, given_state(asked));
    const at::Tensor is_unknown = conditioned.given()[0] == parts.domain.categories;
    const Regions regions(request.figures, parts.domain.layout, is_unknown);  // refused before anything is drawn
    const std::vector<Figure> correlations = pair_figures(asked, conditioned);
    std::optional<FreeEnergy> free_energy;
    if (request.figures.free_energy) free_energy.emplace(asked, conditioned);
    RegionFigures region_figures(asked, conditioned);
    ask_about(request.figures, regions, region_figures);
    const std::int64_t drawn = free_energy || region_figures.wants_drawn() ? request.count : 0;
    for (std::int64_t first = 0; first < drawn; first += request.batch) {
        const Generated states = conditioned.draw(std::min(request.batch, drawn - first));
        region_figures.add_drawn(states.x);
        if (free_energy) free_energy->add_drawn(states);
    }
    std::vector<Figure> figures;
    if (free_energy) append(figures, free_energy->finish());
    append(figures, region_figures.finish());
    append(figures, correlations);
    asked.waiting.clear();
    write_figures(figures, request.output.format, asked.out);
}

}  // namespace marginalia
