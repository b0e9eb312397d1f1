#include "kernel/worker/evaluate/family_figures.h"

#include <algorithm>
#include <cmath>

namespace marginalia {

Figures means_of(const std::vector<Figures>& members) {
    if (members.size() == 1) return members.front();
    Figures means;
    for (const auto& [name, value] : members.front()) {
        if (!std::ranges::all_of(members, [&](const Figures& figures) { return figures.contains(name); })) continue;
        const bool error = name.ends_with("_stderr");
        double sum = 0;
        for (const Figures& figures : members) sum += error ? std::pow(figures.at(name), 2) : figures.at(name);
        means[name] = (error ? std::sqrt(sum) : sum) / static_cast<double>(members.size());
    }
    return means;
}

std::uint64_t member_stream(std::uint64_t stream, std::size_t member) {
    return stream + (static_cast<std::uint64_t>(member) << 48);
}

}  // namespace marginalia
