#include "kernel/host/verbs/provenance_facts.h"

#include <fmt/format.h>

#include "kernel/base/digest.h"
#include "kernel/host/results/results.h"

namespace marginalia {
namespace {

constexpr std::size_t shown_digits = 12;

std::string text_at(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string commit_text(const nlohmann::json& git) {
    std::string text = text_at(git, "commit").substr(0, shown_digits);
    const std::string diff = text_at(git, "diff");
    // Two dirty trees at one commit are the same only if their changes are.
    if (!diff.empty()) text += fmt::format(" with changes {}", sha256_hex(diff).substr(0, 8));
    return text;
}

}  // namespace

std::map<std::string, std::string> provenance_facts(const std::string& provenance) {
    const nlohmann::json record = nlohmann::json::parse(provenance, nullptr, false);
    std::map<std::string, std::string> facts;
    if (!record.is_object()) return facts;
    for (const char* key : {"host", "cpu", "cores", "system"})
        if (record.contains(key)) facts[key] = text_at(record, key);
    if (record.contains("git") && record["git"].is_object()) facts["commit"] = commit_text(record["git"]);
    if (record.contains("versions") && record["versions"].is_object())
        for (const auto& [name, version] : flatten(record["versions"])) facts[name] = version;
    if (record.contains("command_line") && record["command_line"].is_array()) {
        std::string line;
        for (const nlohmann::json& word : record["command_line"])
            if (word.is_string()) line += fmt::format("{}{}", line.empty() ? "" : " ", word.get<std::string>());
        facts["command line"] = line;
    }
    if (record.contains("plugins") && record["plugins"].is_array())
        for (const nlohmann::json& plugin : record["plugins"])
            if (plugin.is_object())
                facts[fmt::format("plugin {} {}", text_at(plugin, "kind"), text_at(plugin, "name"))] =
                    "sha256 " + text_at(plugin, "sha256").substr(0, shown_digits);
    return facts;
}

}  // namespace marginalia
