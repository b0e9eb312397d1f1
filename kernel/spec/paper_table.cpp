#include "kernel/spec/paper_table.h"

#include <algorithm>

#include "kernel/spec/section.h"
#include "kernel/spec/table_reader.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace {

bool equal(const nlohmann::json& wanted, const nlohmann::json& found) {
    if (wanted == found) return true;  // JSON's 1 and 1.0 are equal
    return wanted.is_string() && found.is_string() &&
           found.get<std::string>().ends_with("/" + wanted.get<std::string>());
}

bool allows(const std::string& key, const nlohmann::json& wanted, const nlohmann::json& config) {
    const std::string table = key.substr(0, key.find('.')), rest = key.substr(std::min(table.size() + 1, key.size()));
    if (!config.contains(table)) return rest == "plugin" && wanted == config::no_plugin;
    return config.at(table).contains(rest) && equal(wanted, config.at(table).at(rest));
}

}  // namespace

std::optional<PaperTable> paper_table_of(std::string_view text, const std::filesystem::path& file) {
    config::Faults faults(file.string(), {});
    const std::optional<config::Node> root = config::read_toml(text, faults);
    const config::Node* table = root ? root->find("table") : nullptr;
    if (!table) return std::nullopt;
    PaperTable read = config::read_paper_table(*table, nullptr, file.parent_path(), faults);
    faults.throw_if_any();
    return read;
}

bool matches(const PaperRow& row, const nlohmann::json& config) {
    return std::all_of(row.where.begin(), row.where.end(), [&](const auto& condition) {
        return std::any_of(condition.second.begin(), condition.second.end(),
                           [&](const nlohmann::json& wanted) { return allows(condition.first, wanted, config); });
    });
}

}  // namespace marginalia
