#include "kernel/host/run/origins.h"

#include <map>

#include "kernel/spec/schema.h"
#include "store/queries.h"

namespace marginalia {
namespace {

using Hashes = std::map<std::string, std::string>;  // what it is, in words -> SHA-256

// A store may be damaged, or another's: what is not as it should be is as if it were not there.
std::string text_at(const nlohmann::json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
}

const nlohmann::json& list_at(const nlohmann::json& object, const char* key) {
    static const nlohmann::json none = nlohmann::json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : none;
}

// The parts of a provenance record that a trial with this config depends on; both are objects.
Hashes parts_of(const nlohmann::json& record, const nlohmann::json& config) {
    Hashes parts;
    for (const nlohmann::json& plugin : list_at(record, "plugins")) {
        const std::string kind = text_at(plugin, "kind"), name = text_at(plugin, "name");
        for (const auto& [table, values] : config.items())
            if (kind_of_table(table) == kind && text_at(values, "plugin") == name)
                parts[kind + " '" + name + "'"] = text_at(plugin, "sha256");
    }
    for (const nlohmann::json& input : list_at(record, "inputs")) {
        const std::string path = text_at(input, "path");
        for (const auto& table : config)
            for (const auto& value : table)
                if (value == path) parts["file " + path] = text_at(input, "sha256");
    }
    return parts;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " and ") + words[i];
    return text;
}

std::string difference(const Hashes& then, const Hashes& now) {
    std::vector<std::string> changed;
    for (const auto& [what, hash] : now)
        if (const auto found = then.find(what); found != then.end() && found->second != hash) changed.push_back(what);
    return joined(changed);
}

}  // namespace

std::vector<std::string> changes_since(store::Store& store, const std::vector<store::Trial>& trials,
                                       const nlohmann::json& now) {
    std::vector<std::string> changes(trials.size());
    std::map<std::int64_t, nlohmann::json> records;  // of sweeps
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (!store::facts_of(trials[i].status).ended) continue;
        const auto [record, is_new] = records.try_emplace(trials[i].sweep);
        if (is_new)
            record->second = nlohmann::json::parse(store::sweep_of(store, trials[i].sweep).provenance, nullptr, false);
        const nlohmann::json& then = record->second;
        const auto config = nlohmann::json::parse(trials[i].config, nullptr, false);
        if (!then.is_object() || !config.is_object()) continue;
        changes[i] = difference(parts_of(then, config), parts_of(now, config));
    }
    return changes;
}

}  // namespace marginalia
