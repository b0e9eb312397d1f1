#include "kernel/worker/model/row_description.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr std::int64_t most_sites = std::int64_t{1} << 24;
constexpr std::size_t most_word_bytes = 200;

bool fits(const Layout& layout, std::int64_t sites) {
    std::int64_t product = 1;
    for (const std::int64_t extent : layout.shape) {
        if (extent < 1 || extent > most_sites) return false;
        product = std::min(product * extent, most_sites + 1);
    }
    return product == sites && !layout.shape.empty();
}

bool is_vocabulary(const std::vector<std::string>& words, std::int64_t categories) {
    const auto is_word = [](const std::string& word) {
        return !word.empty() && word.size() <= most_word_bytes && printable(word) == word;
    };
    const std::set<std::string> different(words.begin(), words.end());
    return words.empty() ||
           (different.size() == words.size() && static_cast<std::int64_t>(words.size()) == categories &&
            std::all_of(words.begin(), words.end(), is_word));
}

bool is_text(const std::string& text) { return text.size() <= most_word_bytes && printable(text) == text; }

bool is_site(const Site& site, std::int64_t categories) {
    const bool numbers = std::isfinite(site.centre) && std::isfinite(site.scale) && site.scale > 0;
    return is_text(site.name) && numbers && site.categories >= 0 && site.categories <= categories &&
           (site.words.empty() || static_cast<std::int64_t>(site.words.size()) == site.categories) &&
           std::ranges::all_of(site.words, is_text);
}

bool are_sites(const RowDescription& described) {
    const std::vector<Site>& sites = described.site_list;
    return sites.empty() ||
           (static_cast<std::int64_t>(sites.size()) == described.sites &&
            std::ranges::all_of(sites, [&](const Site& site) { return is_site(site, described.categories); }));
}

std::vector<Site> site_list_of(const nlohmann::json& trial) {
    std::vector<Site> sites;
    if (!trial.contains("columns")) return sites;
    for (const nlohmann::json& site : trial.at("columns"))
        sites.push_back(
            {site.at("categories"), site.at("name"), site.at("words"), site.at("centre"), site.at("scale")});
    return sites;
}

}  // namespace

nlohmann::json json_of(const std::vector<Site>& sites) {
    nlohmann::json list = nlohmann::json::array();
    for (const Site& site : sites)
        list.push_back({{"categories", site.categories},
                        {"name", site.name},
                        {"words", site.words},
                        {"centre", site.centre},
                        {"scale", site.scale}});
    return list;
}

std::vector<std::int64_t> site_categories(const Variables& variables) {
    std::vector<std::int64_t> categories;
    for (const Site& site : variables.site_list()) categories.push_back(site.categories);
    return categories;
}

void check_site_list(const std::string& trial_json, const Dataset& dataset) {
    const std::vector<Site> then = site_list_of(nlohmann::json::parse(trial_json)), now = dataset.site_list();
    std::size_t site = 0;
    while (site < then.size() && site < now.size() && json_of({then[site]}) == json_of({now[site]})) ++site;
    if (site == then.size() && site == now.size()) return;
    const std::string name = site < now.size() && !now[site].name.empty() ? " ('" + now[site].name + "')" : "";
    throw Error("column " + std::to_string(site + 1) + name +
                " of the dataset holds something else than when the checkpoint was written, or is scaled otherwise; "
                "give the dataset the files that the checkpoint learnt from");
}

nlohmann::json json_of(const Domain& domain) {
    return {{"sites", domain.sites},
            {"categories", domain.categories},
            {"shape", domain.layout.shape},
            {"periodic", domain.layout.periodic}};
}

std::optional<RowDescription> row_description(const std::string& trial_json) {
    try {
        const nlohmann::json trial = nlohmann::json::parse(trial_json), domain = trial.at("domain");
        RowDescription described{domain.at("sites"),
                                 domain.at("categories"),
                                 {domain.at("shape"), domain.at("periodic")},
                                 trial.at("vocabulary"),
                                 site_list_of(trial)};
        if (described.categories >= 2 && described.categories <= 255 && described.sites >= 1 &&
            fits(described.layout, described.sites) && is_vocabulary(described.vocabulary, described.categories) &&
            are_sites(described))
            return described;
    } catch (const nlohmann::json::exception&) {
    }
    return std::nullopt;
}

}  // namespace marginalia
