#include "kernel/worker/model/row_description.h"

#include <algorithm>
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

}  // namespace

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
                                 trial.at("vocabulary")};
        if (described.categories >= 2 && described.categories <= 255 && described.sites >= 1 &&
            fits(described.layout, described.sites) && is_vocabulary(described.vocabulary, described.categories))
            return described;
    } catch (const nlohmann::json::exception&) {
    }
    return std::nullopt;
}

}  // namespace marginalia
