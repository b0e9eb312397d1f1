#include "kernel/host/top/filter.h"

#include <algorithm>

namespace marginalia::top {
namespace {

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view part) {
    return std::ranges::search(text, part, {}, small, small).begin() != text.end();
}

// Looked for in the JSON as it is: a config is parsed for a line that is shown, not for each of ten thousand. The keys
// of its tables have no quotes within.
bool has_setting(std::string_view config, std::string_view key, std::string_view value) {
    const std::string start = '"' + std::string(key) + "\":";
    for (std::size_t at = config.find(start); at != config.npos; at = config.find(start, at + 1)) {
        std::string_view rest = config.substr(at + start.size());
        const bool quoted = rest.starts_with('"');
        if (quoted) rest.remove_prefix(1);
        if (!rest.starts_with(value)) continue;
        const std::string_view end = rest.substr(value.size(), 1);
        if (quoted ? end == "\"" : end == "," || end == "}") return true;
    }
    return false;
}

bool word_fits(std::string_view word, const store::TrialWords& trial) {
    if (word.size() > 1 && word.front() == '-') return !word_fits(word.substr(1), trial);
    if (const std::size_t sign = word.find('='); sign != word.npos) {
        const std::string_view whole_key = word.substr(0, sign), value = word.substr(sign + 1);
        const std::string_view key = whole_key.substr(whole_key.rfind('.') + 1);
        return key == "seed" ? value == std::to_string(trial.seed) : has_setting(trial.config, key, value);
    }
    if (store::find_status(word)) return word == trial.status;
    return contains(trial.experiment, word) || contains(trial.tags, word) || has_setting(trial.config, "plugin", word);
}

}  // namespace

bool fits(std::string_view filter, const store::TrialWords& trial) {
    while (!filter.empty()) {
        const std::size_t end = std::min(filter.find(' '), filter.size());
        const std::string_view word = filter.substr(0, end);
        if (!word.empty() && !word_fits(word, trial)) return false;
        filter.remove_prefix(std::min(end + 1, filter.size()));
    }
    return true;
}

}  // namespace marginalia::top
