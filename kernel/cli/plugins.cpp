// `plugins`: what is installed, and the manual of one plugin.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>

#include "kernel/cli/exit_codes.h"
#include "kernel/cli/verbs.h"
#include "kernel/config/nearest.h"
#include "kernel/plugins/plugin_host.h"
#include "kernel/report/text.h"
#include "kernel/schedule/catalogue.h"

namespace marginalia {
namespace {

std::string type_text(const ParameterSpec& parameter) {
    switch (parameter.type) {
        case ParameterType::boolean:
            return "boolean";
        case ParameterType::integer:
            return "integer";
        case ParameterType::number:
            return "number";
        case ParameterType::text:
            return "text";
        case ParameterType::path:
            return "path";
    }
    return {};
}

std::string range_text(const ParameterSpec& parameter) {
    if (!parameter.choices.empty()) return listed(parameter.choices);
    const bool low = std::isfinite(parameter.minimum), high = std::isfinite(parameter.maximum);
    if (low && high) return fmt::format("{} to {}", number_text(parameter.minimum), number_text(parameter.maximum));
    if (low) return fmt::format("≥ {}", number_text(parameter.minimum));
    return high ? fmt::format("≤ {}", number_text(parameter.maximum)) : "";
}

std::string placeholder(const ParameterSpec& parameter) {
    switch (parameter.type) {
        case ParameterType::boolean:
            return "false";
        case ParameterType::integer:
        case ParameterType::number:
            return std::isfinite(parameter.minimum) ? fmt::format("{}", parameter.minimum) : "0";
        case ParameterType::text:
            return parameter.choices.empty() ? "\"…\"" : "\"" + parameter.choices.front() + "\"";
        case ParameterType::path:
            return "\"FILE\"";
    }
    return {};
}

Table parameter_table(const PluginManifest& plugin) {
    Table table({{"name"}, {"type"}, {"default"}, {"range"}, {"unit"}, {"help"}});
    for (const ParameterSpec& parameter : plugin.parameters)
        table.add_row({parameter.name, type_text(parameter), parameter.required ? "required" : parameter.fallback,
                       range_text(parameter), parameter.unit, parameter.help});
    return table;
}

bool stands_alone(const std::string& line) {
    return line.empty() || std::string_view(" -*|#>`$").find(line.front()) != std::string_view::npos ||
           std::isdigit(static_cast<unsigned char>(line.front()));
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

void print_plugin(const PluginManifest& plugin, std::ostream& out) {
    const Screen view = screen();
    constexpr std::size_t readable = 100;
    const std::size_t width = view.width == 0 ? readable : std::min(view.width, readable);
    fmt::print(out, "{} {}: {}\n", plugin.kind, plugin.name, plugin.summary);
    if (!plugin.manual.empty()) out << '\n' << reflowed(plugin.manual, width);
    if (!plugin.parameters.empty()) {
        out << "\nparameters\n\n";
        parameter_table(plugin).print(out, Format::text, view);
    }
    fmt::print(out, "\nin an experiment file\n\n[{}]\nplugin = \"{}\"\n", plugin.kind, plugin.name);
    for (const ParameterSpec& parameter : plugin.parameters)
        fmt::print(out, "{} = {}\n", parameter.name, parameter.required ? placeholder(parameter) : parameter.fallback);
    fmt::print(out, "\nfile   {}\nbuilt  {}\nsha256 {}\n", plugin.path, plugin.build_tag, plugin.sha256);
}

void print_failures(const PluginCatalogue& catalogue) {
    for (const PluginFailure& failure : catalogue.failures)
        std::cerr << fmt::format("refused {}: {}\n", failure.path, failure.reason);
}

std::filesystem::path plugin_file(const Common& common, const std::string& plugin) {
    if (std::filesystem::exists(plugin)) return plugin;
    for (const std::filesystem::path& folder : plugin_folders(common.plugin_paths))
        if (const std::filesystem::path file = folder / (plugin + ".so"); std::filesystem::exists(file)) return file;
    return {};
}

}  // namespace

int plugins_verb(const Common& common, const std::string& name, std::ostream& out) {
    const std::vector<std::filesystem::path> folders = plugin_folders(common.plugin_paths);
    const PluginCatalogue catalogue = fetch_catalogue(folders);
    if (name.empty()) {
        if (common.format == Format::json) {
            out << nlohmann::json(catalogue).dump(1) << '\n';
        } else {
            Column file{"file"};
            file.drop = 1;
            Table table({{"kind"}, {"name"}, {"summary"}, file});
            for (const PluginManifest& plugin : catalogue.plugins)
                table.add_row({plugin.kind, plugin.name, plugin.summary, plugin.path});
            if (table.size() > 0) table.print(out, common.format, screen());
        }
        if (catalogue.plugins.empty()) {
            std::cerr << "no plugins found in:\n";
            for (const std::filesystem::path& folder : folders) std::cerr << "  " << folder.string() << '\n';
        }
        print_failures(catalogue);
        return catalogue.failures.empty() && !catalogue.plugins.empty() ? exit_ok : exit_plugin;
    }
    bool found = false;
    std::vector<std::string> names;
    for (const PluginManifest& plugin : catalogue.plugins) {
        names.push_back(plugin.name);
        if (plugin.name != name) continue;
        if (found) out << '\n';
        found = true;
        if (common.format == Format::text)
            print_plugin(plugin, out);
        else
            parameter_table(plugin).print(out, common.format);
    }
    if (found) return exit_ok;
    std::cerr << fmt::format("marginalia: no plugin '{}'{}\n", name, suggestion(name, names, "plugins"));
    print_failures(catalogue);
    return exit_plugin;
}

int check_plugin_verb(const Common& common, const std::string& plugin, const std::vector<std::string>& parameters) {
    const std::string file = plugin_file(common, plugin).string();
    if (file.empty()) {
        std::cerr << fmt::format(
            "marginalia: no file '{0}', and no {0}.so in the plugin folders; `marginalia plugins` lists what there "
            "is\n",
            plugin);
        return exit_plugin;
    }
    const std::string program = worker_program().string();
    std::vector<const char*> words = {program.c_str(), "--check", file.c_str()};
    for (const std::string& parameter : parameters) words.push_back(parameter.c_str());
    words.push_back(nullptr);
    std::cout.flush();
    ::execv(program.c_str(), const_cast<char* const*>(words.data()));
    throw Error(
        fmt::format("cannot start {}; it belongs beside the program, or name it in MARGINALIA_WORKER", program));
}

}  // namespace marginalia
