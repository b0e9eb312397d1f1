// `plugins`: what is installed, and the manual of one plugin.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <marginalia/error.h>
#include <marginalia/files.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/become_worker.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/nearest.h"

namespace marginalia {
namespace {

struct PluginsOptions {
    std::string name;  // of a kind or a plugin; empty: all
};

std::string range_text(const ParameterSpec& parameter) {
    if (!parameter.choices.empty()) return listed(parameter.choices);
    const bool low = std::isfinite(parameter.minimum), high = std::isfinite(parameter.maximum);
    if (low && high) return fmt::format("{} to {}", number_text(parameter.minimum), number_text(parameter.maximum));
    if (low) return fmt::format("≥ {}", number_text(parameter.minimum));
    return high ? fmt::format("≤ {}", number_text(parameter.maximum)) : "";
}

std::string placeholder(const ParameterSpec& parameter) {
    switch (parameter.type) {
        case ParameterType::boolean: return "false";
        case ParameterType::integer:
        case ParameterType::number:
            return std::isfinite(parameter.minimum) ? fmt::format("{}", parameter.minimum) : "0";
        case ParameterType::text: return parameter.choices.empty() ? "\"…\"" : "\"" + parameter.choices.front() + "\"";
        case ParameterType::path:
        case ParameterType::script: return "\"FILE\"";
    }
    return {};
}

Table parameter_table(const PluginManifest& plugin) {
    Table table({{"name"}, {"type"}, {"default"}, {"range"}, {"unit"}, {"help"}});
    for (const ParameterSpec& parameter : plugin.parameters)
        table.add_row({parameter.name, type_name(parameter.type), parameter.required ? "required" : parameter.fallback,
                       range_text(parameter), parameter.unit, parameter.help});
    return table;
}

// "1. " or "2) "
bool is_numbered(const std::string& line) {
    const auto digits = line.find_first_not_of("0123456789");
    return digits != 0 && digits != std::string::npos && (line[digits] == '.' || line[digits] == ')') &&
           line.substr(digits + 1, 1) == " ";
}

bool stands_alone(const std::string& line) {
    return line.empty() || line.starts_with("```") || is_numbered(line) ||
           std::string_view(" -*|#>$").find(line.front()) != std::string_view::npos;
}

// Markdown for a terminal: the lines of a paragraph joined and broken anew, lists, tables and code as they are.
std::string reflowed(const std::string& markdown, std::size_t width) {
    std::string out, paragraph;
    const auto flush = [&] {
        if (!paragraph.empty()) out += wrap(paragraph, width);
        paragraph.clear();
    };
    std::istringstream lines(markdown);
    for (std::string line; std::getline(lines, line);) {
        if (stands_alone(line)) {
            flush();
            out += line + '\n';
        } else {
            if (!paragraph.empty()) paragraph += ' ';
            paragraph += line;
        }
    }
    flush();
    return out;
}

// "an [energy] and a [sampler]"
std::string table_text(const std::string& needed) {
    if (needed == "states") return "a [dataset], or an [energy] with a [sampler] that draws from it";
    if (needed == "model-sampler") return "a [sampler] that draws from the model";
    if (needed == "target-sampler") return "a [sampler] that draws from the energy";
    return (needed == "energy" ? "an [" : "a [") + needed + "]";
}

std::string tables_text(const std::vector<std::string>& tables) {
    std::string text;
    for (std::size_t i = 0; i < tables.size(); ++i)
        text += (i == 0 ? "" : i + 1 < tables.size() ? ", " : " and ") + table_text(tables[i]);
    return text;
}

// Its table of an experiment file, every key with its default.
std::string example_table(const PluginManifest& plugin) {
    std::string text = fmt::format("[{}]\nplugin = \"{}\"\n", printable(plugin.kind), printable(plugin.name));
    for (const ParameterSpec& parameter : plugin.parameters)
        text += fmt::format("{} = {}\n", printable(parameter.name),
                            printable(parameter.required ? placeholder(parameter) : parameter.fallback));
    return text;
}

std::string without_blank_ends(const std::string& text) {
    const auto first = text.find_first_not_of('\n');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \n") - first + 1) + '\n';
}

std::string manual_of(const PluginManifest& plugin) {
    constexpr std::size_t most = 1'000'000;  // bytes
    return without_blank_ends(printable_lines(plugin.manual, most));
}

// The plugin's page of the documents (docs/plugins/): nothing in it depends on where it was installed.
void print_page(const PluginManifest& plugin, std::ostream& out) {
    fmt::print(out, "# {} `{}`\n\n{}.\n", printable(plugin.kind), printable(plugin.name), printable(plugin.summary));
    if (!plugin.manual.empty()) out << '\n' << manual_of(plugin);
    if (!plugin.needs.empty())
        fmt::print(out, "\nAn experiment with it needs {}.\n", printable(tables_text(plugin.needs)));
    if (plugin.parameters.empty()) {
        out << "\nIt has no parameters.\n";
    } else {
        out << "\n## Parameters\n\n";
        parameter_table(plugin).print(out, Format::markdown);
    }
    out << "\n## In an experiment file\n\n```toml\n" << example_table(plugin) << "```\n";
}

void print_plugin(const PluginManifest& plugin, std::ostream& out) {
    const Screen view = screen();
    constexpr std::size_t readable = 100;
    const std::size_t width = view.width == 0 ? readable : std::min(view.width, readable);
    fmt::print(out, "{} {}: {}\n", printable(plugin.kind), printable(plugin.name), printable(plugin.summary));
    if (!plugin.manual.empty()) out << '\n' << reflowed(manual_of(plugin), width);
    if (!plugin.needs.empty()) fmt::print(out, "\nneeds {}\n", printable(tables_text(plugin.needs)));
    if (!plugin.parameters.empty()) {
        out << "\nparameters\n\n";
        parameter_table(plugin).print(out, Format::text, view);
    }
    out << "\nin an experiment file\n\n" << example_table(plugin);
    fmt::print(out, "\nfile   {}\nbuilt  {}\nsha256 {}\n", printable(plugin.path), printable(plugin.build_tag),
               printable(plugin.sha256));
}

void print_list(const PluginCatalogue& catalogue, Format format, std::ostream& out) {
    if (format == Format::json) {
        out << nlohmann::json(catalogue).dump(1) << '\n';
        return;
    }
    Column file{"file"};
    file.drop = 1;
    Table table({{"kind"}, {"name"}, {"summary"}, file});
    for (const PluginManifest& plugin : catalogue.plugins)
        table.add_row({plugin.kind, plugin.name, plugin.summary, plugin.path});
    if (table.size() > 0) table.print(out, format, screen());
}

void print_failures(const PluginCatalogue& catalogue) {
    for (const PluginFailure& failure : catalogue.failures)
        std::cerr << fmt::format("refused {}: {}\n", printable(failure.path), printable(failure.reason));
}

int plugins_verb(const Common& common, const PluginsOptions& options, std::ostream& out) {
    const std::string& name = options.name;
    const std::vector<std::filesystem::path> folders = plugin_folders(common.plugin_paths);
    const PluginCatalogue catalogue = fetch_catalogue(folders);
    const auto is_other = [&](const PluginManifest& plugin) { return plugin.kind != name; };
    if (!std::all_of(catalogue.plugins.begin(), catalogue.plugins.end(), is_other)) {
        PluginCatalogue of_kind = catalogue;
        std::erase_if(of_kind.plugins, is_other);
        print_list(of_kind, common.format, out);
        print_failures(catalogue);
        return catalogue.failures.empty() ? exit_ok : exit_plugin;
    }
    if (name.empty()) {
        print_list(catalogue, common.format, out);
        if (catalogue.plugins.empty()) {
            std::cerr << "no plugins found in:\n";
            for (const std::filesystem::path& folder : folders) std::cerr << "  " << printable(folder.string()) << '\n';
        }
        print_failures(catalogue);
        return catalogue.failures.empty() && !catalogue.plugins.empty() ? exit_ok : exit_plugin;
    }
    bool found = false;
    std::vector<std::string> names;
    for (const PluginManifest& plugin : catalogue.plugins) {
        names.push_back(plugin.name);
        if (!plugin.is_called(name)) continue;
        if (found) out << '\n';
        found = true;
        if (common.format == Format::text) print_plugin(plugin, out);
        else if (common.format == Format::markdown) print_page(plugin, out);
        else parameter_table(plugin).print(out, common.format);
    }
    if (found) return exit_ok;
    std::cerr << fmt::format("marginalia: no plugin '{}'{}\n", printable(name), suggestion(name, names, "plugins"));
    print_failures(catalogue);
    return exit_plugin;
}

}  // namespace

void add_plugins(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "plugins", "The plugins there are, all or of one kind, or the manual of one", plugins_verb);
    verb->add_option(
        "name", options.name,
        "KIND to list, such as sampler, or plugin to describe: NAME, or KIND/NAME where kinds share a name");
    add_format(verb, line, "text, csv, json or markdown");
}

}  // namespace marginalia
