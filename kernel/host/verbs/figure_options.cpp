#include "kernel/host/verbs/figure_options.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace marginalia {
namespace {

constexpr const char* the_rest = "rest";
constexpr std::size_t most_characters = 40;  // of a name

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= most_characters && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-' || c == '.';
    });
}

std::int64_t regions_named(const FiguresRequest& request, const std::string& name) {
    return std::ranges::count(request.regions, name, &FiguresRequest::Names::first);
}

FiguresRequest::Names named_region(const std::string& typed) {
    const std::size_t equals = typed.find('=');
    const std::string name = typed.substr(0, equals);
    if (equals == typed.npos) throw Error(fmt::format("--region '{}' has no name; write it as A={}", typed, typed));
    if (!is_name(name) || name == the_rest)
        throw Error(
            fmt::format("--region '{}': '{}' cannot be its name; a name is 1 to {} letters, digits, '_', '-' "
                        "and '.', and not '{}'",
                        typed, name, most_characters, the_rest));
    return {name, typed.substr(equals + 1)};
}

// "0,5"
std::pair<std::int64_t, std::int64_t> pair_of(const std::string& typed) {
    std::pair<std::int64_t, std::int64_t> pair;
    const char *end = typed.data() + typed.size(), *comma = std::find(typed.data(), end, ',');
    const auto is_number = [](const char* from, const char* to, std::int64_t& number) {
        const auto [stop, error] = std::from_chars(from, to, number);
        return error == std::errc() && stop == to && number >= 0;
    };
    if (comma == end || !is_number(typed.data(), comma, pair.first) || !is_number(comma + 1, end, pair.second))
        throw Error(fmt::format("--pair: '{}' is not two sites by number; write them as 0,5", typed));
    return pair;
}

}  // namespace

void add_figure_options(CLI::App* verb, FigureOptions& options) {
    verb->add_option(
            "--region", options.regions,
            "NAME=SITES, whose entropy is wanted: '0,1,5-9', 'rows 0-3, columns 0-7', '[0:4, 0:8]', half, all, "
            "or several, divided by ';'; may be repeated")
        ->allow_extra_args(false);
    verb->add_option("--between", options.between,
                     "the mutual information of two regions by name, or of one and the rest; may be repeated")
        ->allow_extra_args(false);
    verb->add_option("--pair", options.pairs, "the correlation of two sites by number, as 0,5; may be repeated")
        ->allow_extra_args(false);
    verb->add_flag("--correlations", options.correlations,
                   "the correlation at each distance along the axes, over all pairs of sites");
    verb->add_flag("--free-energy", options.free_energy, "the free energy of what --given knows");
    verb->add_flag("--exact", options.exact,
                   "beside each figure what the energy's own marginals give, where it has them; may take long");
}

FiguresRequest read_figures(const FigureOptions& options) {
    FiguresRequest request;
    for (const std::string& typed : options.regions) {
        request.regions.push_back(named_region(typed));
        const std::string name = request.regions.back().first;
        if (regions_named(request, name) > 1)
            throw Error(fmt::format("--region: there are two regions '{}'; give each a name of its own", name));
    }
    for (const auto& [first, second] : options.between) {
        for (const std::string& name : {first, second})
            if (name != the_rest && regions_named(request, name) == 0)
                throw Error(fmt::format("--between {} {}: there is no region '{}'; define it by --region {}=SITES",
                                        first, second, name, name));
        if (first == second)
            throw Error(fmt::format("--between {} {}: name two regions, or one and '{}'", first, second, the_rest));
        request.between.emplace_back(first, second);
    }
    for (const std::string& typed : options.pairs) request.pairs.push_back(pair_of(typed));
    request.correlations = options.correlations;
    request.free_energy = options.free_energy;
    request.exact = options.exact;
    return request;
}

}  // namespace marginalia
