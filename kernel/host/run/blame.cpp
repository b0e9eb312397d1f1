#include "kernel/host/run/blame.h"

#include <algorithm>
#include <vector>

#include "kernel/spec/settings.h"

namespace marginalia {
namespace {

constexpr std::size_t most_lines = 5;
constexpr std::size_t most_bytes = 600;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

bool is_stack_line(std::string_view line) {
    const auto holds = [&](std::string_view words) { return line.find(words) != std::string_view::npos; };
    return line.ends_with(']') && holds("[0x") && holds("(");
}

std::string last_output(std::string_view log) {
    std::vector<std::string_view> lines = lines_of(log);
    std::erase_if(lines, is_stack_line);
    if (lines.size() > most_lines) lines.erase(lines.begin(), lines.end() - most_lines);
    std::string text;
    for (const std::string_view line : lines) text.append(text.empty() ? "" : " | ").append(line);
    return text.size() > most_bytes ? "..." + text.substr(text.size() - most_bytes) : text;
}

std::string plugin_on_stack(std::string_view log, const PluginCatalogue& plugins) {
    for (const std::string_view line : lines_of(log)) {
        if (!is_stack_line(line)) continue;
        const std::string_view file = line.substr(0, line.find('('));
        for (const PluginManifest& plugin : plugins.plugins)
            if (file == plugin.path) return plugin.kind + " '" + plugin.name + "' (" + plugin.path + ")";
    }
    return {};
}

std::string plugins_of(const nlohmann::json& config) {
    std::string plugins;
    for (const auto& [table, chosen] : plugins_in(config))
        plugins += (plugins.empty() ? "" : ", ") + table + " '" + chosen.plugin + "'";
    return plugins;
}

}  // namespace marginalia
