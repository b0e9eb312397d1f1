#include "kernel/host/results/best_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kernel/host/results/targets.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

[[noreturn]] void none_has(store::Store& store, const BestName& name) {
    const std::vector<std::string> known = store::metric_names(store);
    const std::string which = contains(known, name.metric) ? "" : suggestion(name.metric, known, "metrics");
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no trial{} that is done has a finite '{}'{}",
                                 name.experiment.empty() ? "" : " of '" + name.experiment + "'", name.metric, which));
}

// The best trial of each target, by `place` in what was ranked.
struct BestOfTarget {
    std::size_t place;
    std::string label;
};

std::vector<BestOfTarget> best_of_each(store::Store& store, const std::vector<store::RankedTrial>& ranked) {
    std::map<std::string, std::size_t> known;  // config hash -> index in `configs`
    std::vector<FlatConfig> configs;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        if (!known.try_emplace(ranked[i].trial.config_hash, configs.size()).second) continue;
        configs.push_back(flatten_text(modelled_in(ranked[i].trial.config)));
        places.push_back(i);
    }
    std::vector<const FlatConfig*> pointers;
    for (const FlatConfig& config : configs) pointers.push_back(&config);
    std::vector<BestOfTarget> best;
    for (const Target& target : targets_of(pointers, key_order(store, ranked.front().trial.experiment)))
        best.push_back({places[target.groups.front()], target.label});
    return best;
}

[[noreturn]] void several_targets(const std::string& metric, const std::vector<store::RankedTrial>& ranked,
                                  const std::vector<BestOfTarget>& best) {
    constexpr std::size_t most = 5;
    const std::string& first = ranked.front().trial.experiment;
    const bool one = std::ranges::all_of(ranked, [&](const auto& each) { return each.trial.experiment == first; });
    std::string list;
    for (std::size_t i = 0; i < std::min(most, best.size()); ++i) {
        const store::Trial& trial = ranked[best[i].place].trial;
        list += fmt::format("{}trial {} ({}{})", i > 0 ? ", " : "", trial.id, one ? "" : trial.experiment + ": ",
                            best[i].label);
    }
    if (best.size() > most) list += fmt::format(" and {} more", best.size() - most);
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("'{}' of {} energies or data sets is not comparable; name a trial by its number{}; "
                                 "the best of each: {}",
                                 metric, best.size(), one ? "" : ", or best:" + metric + "@EXPERIMENT", list));
}

}  // namespace

bool BestName::looks_highest() const { return highest.value_or(metric_info(metric).goal == Goal::high); }

std::optional<BestName> best_name(std::string_view name) {
    if (!name.starts_with("best:")) return std::nullopt;
    BestName read;
    name.remove_prefix(5);
    if (const std::size_t at = name.find('@'); at != name.npos) {
        read.experiment = name.substr(at + 1);
        name = name.substr(0, at);
    }
    for (const bool highest : {false, true}) {
        if (!name.ends_with(highest ? ":max" : ":min")) continue;
        read.highest = highest;
        name.remove_suffix(4);
        break;
    }
    read.metric = name;
    return read;
}

store::Trial find_best(store::Store& store, const BestName& name, const std::string& experiment) {
    std::vector<store::RankedTrial> ranked =
        store::best_trials(store, {.metric = name.metric,
                                   .highest = name.looks_highest(),
                                   .experiment = name.experiment.empty() ? experiment : name.experiment,
                                   .limit = -1});
    if (ranked.empty()) none_has(store, name);
    const std::vector<BestOfTarget> best = best_of_each(store, ranked);
    if (best.size() > 1) several_targets(name.metric, ranked, best);
    return std::move(ranked.front().trial);
}

}  // namespace marginalia
