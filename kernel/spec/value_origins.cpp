#include "kernel/spec/value_origins.h"

#include "kernel/spec/file_text.h"
#include "kernel/spec/read_root.h"
#include "kernel/spec/section.h"
#include "kernel/spec/stage1.h"
#include "kernel/spec/sweep.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace config {
namespace {

class OriginFinder {
public:
    OriginFinder(const Node& root, const std::vector<std::string>& overrides, const PluginCatalogue& catalogue,
                 std::filesystem::path folder, Faults& faults)
        : root_(root), overrides_(overrides), catalogue_(catalogue), folder_(std::move(folder)), faults_(faults),
          sweep_(read_sweep(root.find("sweep"), faults)) {}

    std::vector<ValueOrigin> find() {
        add("name", root_.find("name"), "");
        add("description", root_.find("description"), "\"\"");
        add("seeds", root_.find("seeds"), "[0]");
        for (const std::string& table : plugin_tables())
            if (const Node* node = root_.find(table)) add_table("", table, node);
        for (const std::string& table : kernel_tables()) add_table("", table, root_.find(table));
        if (const Node* stage1 = root_.find(stage1_table)) add_stage1(*stage1);
        return std::move(origins_);
    }

private:
    void add_stage1(const Node& stage1) {
        for (const Node& child : stage1.children)
            if (!child.is_table()) add(stage1_table + std::string(".") + child.key, &child, "");
        for (const std::string& table : stage1_tables()) {
            const Node* node = stage1.find(table);
            if (node || is_kernel_table(table)) add_table(stage1_table + std::string("."), table, node);
        }
    }

    // `node` null: the file does not have the table. `prefix`: "stage1.", whose keys no sweep varies.
    void add_table(const std::string& prefix, const std::string& name, const Node* node) {
        const SweptHere swept = prefix.empty() ? swept_in(name, sweep_) : SweptHere{};
        const Section section = read_section(name, node, swept, catalogue_, folder_, faults_);
        const auto key_of = [&](const Candidate& candidate, const std::string& key) {
            const bool tells = section.candidates.size() > 1 && candidate.plugin;
            return prefix + name + "." + (tells ? candidate.plugin->name + "." : "") + key;
        };
        if (is_plugin_table(name)) add_key(prefix, name, "", "plugin", prefix + name + ".plugin", node, nullptr);
        for (const Candidate& candidate : section.candidates)
            for (const ParameterSpec& spec : *candidate.parameters) {
                const std::string plugin = candidate.plugin ? candidate.plugin->name : "";
                const Node* table = node && candidate.own.contains(spec.name) ? node->find(plugin) : node;
                const auto value = candidate.values.find(spec.name);
                add_key(prefix, name, plugin, spec.name, key_of(candidate, spec.name), table,
                        value != candidate.values.end() ? *value : nlohmann::json());
            }
    }

    void add_key(const std::string& prefix, const std::string& table, const std::string& plugin, const std::string& key,
                 const std::string& shown, const Node* node, const nlohmann::json& fallback) {
        const SweptKey* swept = prefix.empty() ? swept_key(table, plugin, key) : nullptr;
        if (swept)
            return origins_.push_back({shown, toml_value(*swept->values), from_of(swept->place), where(swept->place)});
        const Node* given = node ? node->find(key) : nullptr;
        // A file's value is the one that trials have: a path made absolute, a number as such.
        const bool whole = given && (fallback.is_null() || given->is_list());
        const std::string value = whole ? toml_value(*given) : fallback.is_null() ? "" : toml_scalar(fallback);
        if (!given) return origins_.push_back({shown, value, ValueOrigin::From::fallback, ""});
        origins_.push_back({shown, value, place_from(given->place), where(given->place)});
    }

    void add(const std::string& key, const Node* node, const std::string& fallback) {
        if (node) origins_.push_back({key, toml_value(*node), place_from(node->place), where(node->place)});
        else origins_.push_back({key, fallback, ValueOrigin::From::fallback, ""});
    }

    const SweptKey* swept_key(const std::string& table, const std::string& plugin, const std::string& key) const {
        for (const SweptKey* swept : sweep_.keys())
            if (swept->section == table && swept->key == key && (swept->plugin.empty() || swept->plugin == plugin))
                return swept;
        return nullptr;
    }

    static ValueOrigin::From place_from(Place place) {
        return place.source > 0 ? ValueOrigin::From::command_line : ValueOrigin::From::file;
    }
    static ValueOrigin::From from_of(Place place) {
        return place.source > 0 ? ValueOrigin::From::command_line : ValueOrigin::From::sweep;
    }

    std::string where(Place place) const {
        if (place.source > 0) return overrides_.at(place.source - 1);
        return faults_.files().at(place.file) + ":" + std::to_string(place.line);
    }

    const Node& root_;
    const std::vector<std::string>& overrides_;
    const PluginCatalogue& catalogue_;
    const std::filesystem::path folder_;
    Faults& faults_;
    const SweepText sweep_;
    std::vector<ValueOrigin> origins_;
};

}  // namespace
}  // namespace config

std::vector<ValueOrigin> value_origins(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                                       const PluginCatalogue& plugins) {
    config::Faults faults(file.string(), overrides);
    const config::Node root = config::read_root(config::file_text(file), file, overrides, plugins, faults);
    const auto folder = std::filesystem::absolute(file).parent_path();
    auto origins = config::OriginFinder(root, overrides, plugins, folder, faults).find();
    faults.throw_if_any();
    return origins;
}

}  // namespace marginalia
