// Keys of [run] that are read without the plugins which the rest of an experiment file is checked against.
#include <sstream>

#include "kernel/spec/experiment.h"
#include "kernel/spec/extends.h"
#include "kernel/spec/file_text.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {

std::vector<std::string> plugin_folders_of(std::string_view text, const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides) {
    config::Faults told_later(file.string(), overrides);
    std::optional<config::Node> root = config::read_with_bases(text, file, told_later);
    if (!root) return {};
    constexpr std::string_view key = "run.plugin_path=";
    for (const std::string& override : overrides)
        if (override.starts_with(key)) {
            const std::string given = override.substr(key.size());
            auto value = config::read_toml_value(given, {});
            if (!value || value->kind != config::Node::Kind::text) value = config::make_text("", given, {});
            value->key = "plugin_path";
            config::Node* run = root->find("run");
            if (!run) run = &config::put(*root, config::make_table("run", {}));
            config::put(*run, std::move(*value));
        }
    const config::Node* run = root->find("run");
    const config::Node* list = run ? run->find("plugin_path") : nullptr;
    if (!list || list->kind != config::Node::Kind::text) return {};
    std::vector<std::string> folders;
    std::istringstream words(list->scalar.get<std::string>());
    for (std::string folder; std::getline(words, folder, ':');)
        if (!folder.empty()) folders.push_back((std::filesystem::absolute(file).parent_path() / folder).string());
    return folders;
}

std::vector<std::string> plugin_folders_of(const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides) {
    return plugin_folders_of(config::file_text(file), file, overrides);
}

std::string keep_best_of(std::string_view stored_text) {
    config::Faults passed_over("", {});
    const std::optional<config::Node> root = config::read_toml(stored_text, passed_over);
    const config::Node* run = root ? root->find("run") : nullptr;
    const config::Node* metric = run ? run->find("keep_best") : nullptr;
    return metric && metric->kind == config::Node::Kind::text ? metric->scalar.get<std::string>() : "";
}

}  // namespace marginalia
