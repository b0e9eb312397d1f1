#include "kernel/spec/experiment.h"

#include <algorithm>
#include <sstream>

#include "kernel/spec/expand.h"
#include "kernel/spec/file_text.h"
#include "kernel/spec/identity.h"
#include "kernel/spec/nearest.h"
#include "kernel/spec/needs.h"
#include "kernel/spec/read_root.h"
#include "kernel/spec/section.h"
#include "kernel/spec/stage1.h"
#include "kernel/spec/stop_checks.h"
#include "kernel/spec/sweep.h"
#include "kernel/spec/table_reader.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace config {
namespace {

constexpr const char* name_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::vector<std::string> all_tables() {
    std::vector<std::string> tables = plugin_tables();
    tables.insert(tables.end(), kernel_tables().begin(), kernel_tables().end());
    tables.insert(tables.end(), {"stage1", "sweep", "table"});
    return tables;
}

bool is_table_name(const std::string& name) {
    return is_plugin_table(name) || is_kernel_table(name) || name == stage1_table || name == "sweep" || name == "table";
}

// Judges the root table. Faults go to `faults`; what is read is only right if there are none.
class RootReader {
public:
    RootReader(const Node& root, const PluginCatalogue& catalogue, std::filesystem::path folder, Faults& faults)
        : root_(root), catalogue_(catalogue), folder_(std::move(folder)), faults_(faults) {}

    Experiment read() {
        Experiment experiment;
        experiment.name = name();
        experiment.description = description();
        const std::vector<std::int64_t> seeds = this->seeds();
        check_names();
        check_tables();
        check_stage1(root_, faults_);
        const Node* sweep_table = root_.find("sweep");
        const SweepText sweep = read_sweep(sweep_table, faults_);
        const std::vector<Section> sections = read_sections(sweep);
        check_needs(root_, sections, catalogue_, faults_);
        const nlohmann::json run = read_whole("run"), stop = read_whole("stop"), hooks = read_whole(hooks_table),
                             slurm = read_whole("slurm");
        if (const Node* results = table("table"))
            experiment.table = read_paper_table(*results, &catalogue_, folder_, faults_);
        const Sweep made = make_sweep(sweep, sections, catalogue_, folder_, faults_);
        if (count_trials(made.axes, seeds.size()) > most_trials)
            faults_.add(sweep_table ? sweep_table->place : Place{},
                        "the sweep asks for more than " + std::to_string(most_trials) +
                            " trials; give shorter lists or draw at random with samples = 1000");
        faults_.throw_if_any();
        experiment.run = run;
        experiment.stop = stop;
        experiment.slurm = slurm;
        experiment.hooks = hooks;
        experiment.swept = varied_keys(sections, made.axes);
        experiment.space = made.space;
        Expansion expansion = expand(sections, made, seeds);
        experiment.left_out = expansion.left_out;
        experiment.warnings = judge_excludes(made.excludes, expansion);
        experiment.trials = std::move(expansion.trials);
        check_needs_of_trials(root_, experiment.trials, sections, faults_);
        check_memory(experiment.trials);
        check_stop(root_, experiment.stop, experiment.trials, faults_);
        faults_.throw_if_any();
        return experiment;
    }

private:
    const Node* table(const std::string& name) const {
        const Node* found = root_.find(name);
        return found && found->is_table() ? found : nullptr;
    }

    // A table of which nothing is swept.
    nlohmann::json read_whole(const std::string& name) {
        return read_section(name, table(name), {}, catalogue_, folder_, faults_).candidates[0].values;
    }

    std::string name() {
        const Node* node = root_.find("name");
        if (!node) {
            faults_.add({},
                        faults_.files().size() == 1
                            ? "the experiment has no name; add name = \"my-experiment\" at the top of the file"
                            : "the experiment has no name of its own, and that of the file it extends is another's; "
                              "add name = \"my-experiment\" at the top of the file");
            return "";
        }
        if (node->kind != Node::Kind::text) {
            faults_.add(node->place, "'name' must be a text in quotes, not " + described(*node));
            return "";
        }
        const auto text = node->scalar.get<std::string>();
        constexpr std::size_t most = 200;  // bytes: it is part of files' names
        if (text.size() > most)
            faults_.add(node->place, "'name' has " + std::to_string(text.size()) + " characters; give at most " +
                                         std::to_string(most));
        else if (text.empty() || text.find_first_not_of(name_characters) != text.npos || text[0] == '-' ||
                 text[0] == '.')
            faults_.add(node->place, "'name' cannot be " + toml_scalar(text) +
                                         ": use letters, digits, '.', '_' and '-', and begin with a letter or digit");
        return text;
    }

    std::string description() {
        const Node* node = root_.find("description");
        if (node && node->kind != Node::Kind::text)
            faults_.add(node->place, "'description' must be a text in quotes, not " + described(*node));
        return node && node->kind == Node::Kind::text ? node->scalar.get<std::string>() : "";
    }

    std::vector<std::int64_t> seeds() {
        const Node* node = root_.find("seeds");
        if (!node) return {0};
        if (!node->is_list() || node->children.empty()) {
            faults_.add(node->place, "'seeds' must be a list of at least one integer, such as seeds = [0, 1, 2], not " +
                                         (node->is_list() ? "an empty list" : described(*node)));
            return {0};
        }
        std::vector<std::int64_t> seeds;
        for (const Node& seed : node->children) {
            if (seed.kind != Node::Kind::integer || seed.scalar < 0)
                faults_.add(seed.place, "a seed must be an integer of at least 0, not " + described(seed));
            else if (std::find(seeds.begin(), seeds.end(), seed.scalar.get<std::int64_t>()) != seeds.end())
                faults_.add(seed.place,
                            "the seed " + seed.scalar.dump() + " is given twice; every seed makes one trial");
            else seeds.push_back(seed.scalar);
        }
        return seeds;
    }

    void check_names() {
        for (const Node& child : root_.children) {
            if (child.key == "name" || child.key == "description" || child.key == "seeds") continue;
            if (child.key == "extends") {
                faults_.add(child.place,
                            "'extends' cannot be given on the command line; write a file that begins with it");
            } else if (is_table_name(child.key)) {
                if (!child.is_table())
                    faults_.add(child.place,
                                "'" + child.key + "' must be one table, [" + child.key + "], not " +
                                    (child.is_list() && !child.children.empty() && child.children[0].is_table()
                                         ? "a list of tables [[" + child.key + "]]"
                                         : described(child)));
            } else if (child.is_table()) {
                faults_.add(child.key_place,
                            "unknown table [" + child.key + "]" + suggestion(child.key, all_tables(), "Tables"));
            } else {
                unknown_scalar(child);
            }
        }
    }

    // The plugin that a table names, if it is one there is.
    const PluginManifest* plugin_of(const std::string& named) const {
        const Node* name = table(named) ? table(named)->find("plugin") : nullptr;
        return name && name->kind == Node::Kind::text
                   ? catalogue_.find(kind_of_table(named), name->scalar.get<std::string>())
                   : nullptr;
    }

    void unknown_scalar(const Node& child) {
        for (const std::string& owner : kernel_tables())
            if (find_parameter(kernel_parameters(owner), child.key)) {
                faults_.add(child.key_place,
                            "unknown key '" + child.key + "' above the first table; it belongs in [" + owner + "]");
                return;
            }
        for (const std::string& owner : plugin_tables())
            if (const PluginManifest* plugin = plugin_of(owner);
                plugin && find_parameter(plugin->parameters, child.key)) {
                faults_.add(child.key_place, "unknown key '" + child.key + "' above the first table; " + plugin->kind +
                                                 " '" + plugin->name + "' has it: write " + owner + "." + child.key +
                                                 ", or put it in [" + owner + "]");
                return;
            }
        faults_.add(child.key_place,
                    "unknown key '" + child.key + "' above the first table" +
                        suggestion(child.key, {"name", "description", "extends", "seeds"}, "Keys there"));
    }

    void check_tables() {
        const Node* energy = root_.find("energy");
        const Node* dataset = root_.find("dataset");
        if (energy && dataset)
            faults_.add(
                std::max(energy->place, dataset->place),
                "an experiment learns from an [energy] or from a [dataset], not from both; remove one of the tables");
        if (!energy && !dataset)
            faults_.add(
                {},
                "there is neither [energy] nor [dataset] to learn from; add one of them with plugin = \"NAME\". "
                "The energy plugins: " +
                    listed(plugin_names(catalogue_, "energy")) +
                    "; the dataset plugins: " + listed(plugin_names(catalogue_, "dataset")));
        for (const std::string required : {"network", "objective"})
            if (!root_.find(required))
                faults_.add({}, "the table [" + required + "] is missing; add it with plugin = \"NAME\". The " +
                                    required + " plugins: " + listed(plugin_names(catalogue_, required)));
    }

    std::vector<std::string> judge_excludes(const std::vector<Exclude>& excludes, const Expansion& expansion) {
        std::vector<std::string> warnings;
        for (std::size_t e = 0; e < excludes.size(); ++e)
            if (!expansion.fits[e])
                warnings.push_back(faults_.where(excludes[e].place) +
                                   ": this [[sweep.exclude]] leaves nothing out: no combination of the sweep fits it");
        if (expansion.trials.empty())
            faults_.add(excludes.front().place,
                        "[[sweep.exclude]] leaves no trial over; let it fit fewer combinations, by a further key or a "
                        "narrower bound");
        return warnings;
    }

    // What [resources] or the sweep over it says in words.
    void check_memory(const std::vector<TrialConfig>& trials) {
        std::string last;
        for (const TrialConfig& trial : trials) {
            const std::string& memory = trial.resources.memory;
            if (memory == last || bytes_of(memory)) continue;
            last = memory;
            const Node* where = table(resources_table) ? table(resources_table) : table("sweep");
            faults_.add(where ? where->place : Place{},
                        "'resources.memory' cannot be " + toml_scalar(memory) +
                            "; give a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as \"6GB\"");
        }
    }

    std::vector<Section> read_sections(const SweepText& sweep) {
        std::vector<Section> sections;
        for (const std::string& name : plugin_tables())
            if (table(name)) sections.push_back(read_one(name, sweep));
        sections.push_back(read_one("train", sweep));
        sections.push_back(read_one("evaluation", sweep));
        sections.push_back(read_one(resources_table, sweep));
        return sections;
    }

    Section read_one(const std::string& name, const SweepText& sweep) {
        return read_section(name, table(name), swept_in(name, sweep), catalogue_, folder_, faults_);
    }

    const Node& root_;
    const PluginCatalogue& catalogue_;
    const std::filesystem::path folder_;
    Faults& faults_;
};

}  // namespace
}  // namespace config

Experiment parse_experiment(std::string_view text, const std::filesystem::path& file,
                            const std::vector<std::string>& overrides, const PluginCatalogue& plugins) {
    config::Faults faults(file.string(), overrides);
    const config::Node root = config::read_root(text, file, overrides, plugins, faults);
    const auto read = [&](const config::Node& node) {
        Experiment experiment =
            config::RootReader(node, plugins, std::filesystem::absolute(file).parent_path(), faults).read();
        experiment.file = file;
        return experiment;
    };
    Experiment experiment = read(root);
    const bool as_written = overrides.empty() && faults.files().size() == 1;
    experiment.toml = as_written ? std::string(text) : config::write_toml(root);
    if (config::needs_stage1(experiment, root)) {
        const config::Node first = config::stage1_root(root);
        Experiment stage1 = read(first);
        stage1.toml = config::write_toml(first);
        stage1.description = "first stage of " + experiment.name;
        config::start_from_stage1(experiment, stage1, root, plugins);
        experiment.stage1 = std::make_shared<const Experiment>(std::move(stage1));
    }
    return experiment;
}

Experiment read_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                           const PluginCatalogue& plugins) {
    return parse_experiment(config::file_text(file), file, overrides, plugins);
}

namespace {

// Of a trial that was stored before its plugin had the parameter.
nlohmann::json value_before(const ParameterSpec& spec) {
    if (spec.absent) return absent_value(spec);
    if (!spec.required) return default_value(spec);
    throw Error("the config lacks the parameter '" + spec.name + "'; it was made for another version of the plugin");
}

}  // namespace

Params params_of(const nlohmann::json& table, const std::vector<ParameterSpec>& declared) {
    std::map<std::string, ParameterValue, std::less<>> values;
    for (const ParameterSpec& spec : declared) {
        const auto found = table.find(spec.name);
        const nlohmann::json value = found != table.end() ? *found : value_before(spec);
        switch (spec.type) {
            case ParameterType::boolean: values[spec.name] = value.get<bool>(); break;
            case ParameterType::integer: values[spec.name] = value.get<std::int64_t>(); break;
            case ParameterType::number: values[spec.name] = value.get<double>(); break;
            case ParameterType::text:
            case ParameterType::path:
            case ParameterType::script: values[spec.name] = value.get<std::string>(); break;
        }
    }
    for (const auto& [key, value] : table.items())
        if (key != "plugin" && !values.contains(key))
            throw Error("the config gives " + key + " = " + config::toml_scalar(value) +
                        ", a parameter that this version of the plugin does not have; name the folder of the version "
                        "that it was made with by --plugin-path");
    return Params(std::move(values));
}

nlohmann::json completed(nlohmann::json config, const PluginCatalogue& plugins) {
    const DeclaredOf declared = declared_by(plugins);
    for (auto& [table, values] : config.items())
        if (const auto* specs = values.is_object() ? declared(table, values) : nullptr)
            for (const ParameterSpec& spec : *specs)
                if (!values.contains(spec.name)) values[spec.name] = value_before(spec);
    return config;
}

PluginCatalogue as_before(PluginCatalogue plugins, const std::vector<nlohmann::json>& configs) {
    for (PluginManifest& plugin : plugins.plugins)
        for (ParameterSpec& spec : plugin.parameters)
            for (const nlohmann::json& config : configs)
                for (const auto& [table, values] : config.items())
                    if (spec.absent && kind_of_table(table) == plugin.kind && plugin_named(values) == plugin.name &&
                        !values.contains(spec.name)) {
                        spec.fallback = *spec.absent;
                        spec.required = false;
                    }
    return plugins;
}

std::string to_toml(const std::string& name, const nlohmann::json& config, std::int64_t seed) {
    std::ostringstream text;
    text << "name = " << config::toml_scalar(name) << "\nseeds = [" << seed << "]\n";
    for (const std::string& table : config::all_tables()) {
        if (!config.contains(table)) continue;
        text << "\n[" << table << "]\n";
        if (config[table].contains("plugin"))
            text << "plugin = " << config::toml_scalar(config[table]["plugin"]) << "\n";
        for (const auto& [key, value] : config[table].items())
            if (key != "plugin") text << config::toml_key(key) << " = " << config::toml_scalar(value) << "\n";
    }
    return text.str();
}

}  // namespace marginalia
