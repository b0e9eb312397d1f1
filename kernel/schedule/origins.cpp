#include "kernel/schedule/origins.h"

#include <map>

#include "kernel/config/schema.h"
#include "store/queries.h"

namespace marginalia {
namespace {

using Hashes = std::map<std::string, std::string>;  // what it is, in words -> SHA-256

// The parts of a provenance record that a trial with this config depends on.
Hashes parts_of(const nlohmann::json& record, const nlohmann::json& config) {
    Hashes parts;
    for (const nlohmann::json& plugin : record.value("plugins", nlohmann::json::array())) {
        const std::string kind = plugin.value("kind", ""), name = plugin.value("name", "");
        for (const auto& [table, values] : config.items())
            if (kind_of_table(table) == kind && values.value("plugin", "") == name)
                parts[kind + " '" + name + "'"] = plugin.value("sha256", "");
    }
    for (const nlohmann::json& input : record.value("inputs", nlohmann::json::array())) {
        const std::string path = input.value("path", "");
        for (const auto& table : config)
            for (const auto& value : table)
                if (value == path) parts["file " + path] = input.value("sha256", "");
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

bool has_ended(store::Status status) {
    using store::Status;
    return status == Status::done || status == Status::failed || status == Status::timeout || status == Status::oom;
}

}  // namespace

std::vector<std::string> changes_since(store::Store& store, const std::vector<store::Trial>& trials,
                                       const nlohmann::json& now) {
    std::vector<std::string> changes(trials.size());
    std::map<std::int64_t, nlohmann::json> records;  // of sweeps
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (!has_ended(trials[i].status)) continue;
        if (records.empty())
            for (const store::Sweep& sweep : store::list_sweeps(store, trials[i].experiment))
                records[sweep.id] = nlohmann::json::parse(sweep.provenance, nullptr, false);
        const nlohmann::json& then = records[trials[i].sweep];
        if (!then.is_object()) continue;
        const auto config = nlohmann::json::parse(trials[i].config);
        changes[i] = difference(parts_of(then, config), parts_of(now, config));
    }
    return changes;
}

}  // namespace marginalia
