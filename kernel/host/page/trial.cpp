// One trial.
#include "kernel/host/page/documents.h"
#include "kernel/host/results/telling_keys.h"
#include "kernel/host/results/trial_json.h"
#include "store/live.h"

namespace marginalia::page {
namespace {

constexpr std::size_t most_of_a_log = 64 << 10;  // bytes, its end

std::string end_of(const std::string& text) {
    if (text.size() <= most_of_a_log) return text;
    const std::size_t line = text.find('\n', text.size() - most_of_a_log);
    return line == text.npos ? text.substr(text.size() - most_of_a_log) : text.substr(line + 1);
}

}  // namespace

Json trial_document(store::Store& store, store::TrialId trial) {
    const store::TrialDetails details = store::trial_details(store, trial);
    Json json = trial_json(store, details);
    json["log"] = end_of(store::read_log(store, trial).text);
    json["toml"] = details.sweep.toml;
    json["flat"] = Json::array();
    const KeyOrder order(details.sweep.toml);
    for (const auto& [key, value] : lines_of(flatten_text(details.trial.config), order))
        json["flat"].push_back({key, shown_value(value, digits_of_settings)});
    return json;
}

}  // namespace marginalia::page
