#include "kernel/spec/stage1.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "kernel/spec/draws.h"
#include "kernel/spec/identity.h"
#include "kernel/spec/nearest.h"
#include "kernel/spec/range.h"
#include "kernel/spec/section.h"

namespace marginalia::config {
namespace {

constexpr std::array<std::string_view, 3> shared_parts = {"energy", "dataset", "network"};
constexpr std::array<std::string_view, 5> shared_besides = {"reference", "run", hooks_table, resources_table, "slurm"};

bool varies_shared_part(const Node& swept) {
    const std::string_view table = std::string_view(swept.key).substr(0, swept.key.find('.'));
    return contains(shared_parts, table) || table == resources_table;
}

// The objectives that [stage1] is for; empty: all.
std::vector<std::string> objectives_of(const Node& stage1) {
    std::vector<std::string> names;
    if (const Node* list = stage1.find("objectives"))
        for (const Node& name : list->children) names.push_back(name.scalar);
    return names;
}

// Leaves of lists that move together the places whose objective is one of these.
void keep_objectives(Node& zip, const std::vector<std::string>& objectives) {
    const Node* swept = zip.find("objective.plugin");
    if (objectives.empty() || !swept || !swept->is_list()) return;
    std::vector<bool> kept;
    for (const Node& name : swept->children) kept.push_back(contains(objectives, name.scalar.get<std::string>()));
    for (Node& list : zip.children) {
        std::vector<Node> left;
        for (std::size_t i = 0; i < list.children.size(); ++i)
            if (kept[i]) left.push_back(list.children[i]);
        list.children = std::move(left);
    }
}

bool about_shared_parts(const Node& condition) {
    return std::all_of(condition.children.begin(), condition.children.end(), varies_shared_part);
}

// Of tables of conditions, [[sweep.exclude]], those that both stages can judge. Without the others the first stage has
// more trials than the second needs, never fewer.
void keep_excludes(Node& excludes) {
    if (excludes.is_table() && !about_shared_parts(excludes)) excludes.children.clear();
    if (excludes.is_list())
        std::erase_if(excludes.children, [](const Node& exclude) { return !about_shared_parts(exclude); });
}

// Writes out which dimensions Sobol draws have in the second stage, where more keys may be drawn.
void keep_dimensions(Node& sweep) {
    const Node* method = sweep.find("draws");
    if (!method || method->scalar != "sobol") return;
    std::vector<std::string> named, drawn;
    if (const Node* given = sweep.find("dimensions"))
        for (const Node& key : given->children) named.push_back(key.scalar);
    for (const Node& key : sweep.children)
        if (is_draw(key)) drawn.push_back(key.key);
    Node dimensions{Node::Kind::list, "dimensions", method->place, method->place, nullptr, {}};
    for (const std::string& key : sobol_order(named, drawn))
        dimensions.children.push_back(make_text("", key, method->place));
    put(sweep, std::move(dimensions));
}

void keep_shared(Node& sweep, const std::vector<std::string>& objectives) {
    if (Node* zips = sweep.find("zip")) {
        const auto keep_in = [&](Node& zip) {
            keep_objectives(zip, objectives);
            keep_shared(zip, objectives);
        };
        if (zips->is_table()) keep_in(*zips);
        else
            for (Node& zip : zips->children) keep_in(zip);
        std::erase_if(zips->children, [](const Node& zip) { return zip.is_table() && zip.children.empty(); });
    }
    if (Node* excludes = sweep.find("exclude")) keep_excludes(*excludes);
    if (Node* when = sweep.find("when"))
        std::erase_if(when->children, [](const Node& key) { return !varies_shared_part(key); });
    keep_dimensions(sweep);
    const bool draws = std::any_of(sweep.children.begin(), sweep.children.end(),
                                   [](const Node& key) { return varies_shared_part(key) && is_draw(key); });
    std::erase_if(sweep.children, [&](const Node& key) {
        if (key.key == "zip" || key.key == "exclude" || key.key == "when") return key.children.empty();
        if (is_about_draws(key.key)) return !draws;
        return !varies_shared_part(key);
    });
}

void check_objectives(const Node& node, Faults& faults) {
    const auto is_text = [](const Node& name) { return name.kind == Node::Kind::text; };
    if (!node.is_list() || node.children.empty() || !std::all_of(node.children.begin(), node.children.end(), is_text))
        faults.add(
            node.place,
            "'stage1.objectives' must be a list of the second stage's objectives, such as [\"mam-distill\"], not " +
                described(node));
}

void check_name(const Node& name, const Node& root, Faults& faults) {
    const Node* own = root.find("name");
    if (name.kind != Node::Kind::text || name.scalar == "")
        faults.add(name.place, "'stage1.name' must be the name of an experiment in quotes, not " + described(name));
    else if (own && own->scalar == name.scalar)
        faults.add(name.place, "'stage1.name' is the name of this experiment, whose second stage has it; give another");
}

// The first stage cannot judge a condition about what it does not share.
void check_conditions(const Node& sweep, Faults& faults) {
    const Node* when = sweep.find("when");
    if (!when || !when->is_table()) return;
    for (const Node& key : when->children)
        for (const Node& other : key.children)
            if (varies_shared_part(key) && !varies_shared_part(other))
                faults.add(other.key_place, "'" + key.key +
                                                "' varies the first stage too, so its condition cannot be "
                                                "about '" +
                                                other.key + "', which is the second stage's alone");
}

// As `objectives` of [stage1] has it.
bool has_stage1(const TrialConfig& trial, const std::vector<std::string>& objectives) {
    return objectives.empty() || contains(objectives, trial.config.at("objective").at("plugin").get<std::string>());
}

std::string shared_text(const nlohmann::json& config) {
    std::string text;
    for (const std::string_view name : shared_parts)
        if (const auto part = config.find(name); part != config.end()) text += part->dump();
    return text;
}

}  // namespace

const std::vector<std::string>& stage1_tables() {
    static const std::vector<std::string> names = {"objective", "sampler", "train", "evaluation"};
    return names;
}

void check_stage1(const Node& root, Faults& faults) {
    const Node* stage1 = root.find(stage1_table);
    if (!stage1 || !stage1->is_table()) return;
    for (const Node& child : stage1->children) {
        const std::string name = "[stage1." + child.key + "]";
        if (child.key == "objectives") check_objectives(child, faults);
        else if (child.key == "name") check_name(child, root, faults);
        else if (!contains(stage1_tables(), child.key))
            faults.add(child.key_place,
                       (child.is_table() ? "unknown table " + name : "unknown key '" + child.key + "' in [stage1]") +
                           suggestion(child.key, stage1_tables(), "Tables of [stage1]"));
        else if (!child.is_table()) faults.add(child.place, "'stage1." + child.key + "' must be one table, " + name);
    }
    if (!stage1->find("objective"))
        faults.add(stage1->place, "[stage1.objective] is missing: it says how the first stage is trained");
    const Node *train = root.find("train"), *sweep = root.find("sweep");
    if (sweep) check_conditions(*sweep, faults);
    const Node* start = train ? train->find("start_from") : nullptr;
    if (!start && sweep) start = sweep->find("train.start_from");
    if (start)
        faults.add(start->key_place,
                   "'train.start_from' and [stage1] both say where the network comes from; remove one");
}

Node stage1_root(const Node& root) {
    Node first = make_table("", {}), own = *root.find(stage1_table);
    const Node* name = root.find(stage1_table)->find("name");
    erase(own, "name");
    erase(own, "objectives");
    for (const Node& child : root.children) {
        if (child.key == "name")
            first.children.push_back(
                name ? *name : make_text("name", child.scalar.get<std::string>() + ".stage1", child.place));
        else if (child.key == "seeds" || contains(shared_parts, child.key) || contains(shared_besides, child.key))
            first.children.push_back(child);
        else if (child.key == stage1_table)
            first.children.insert(first.children.end(), own.children.begin(), own.children.end());
        else if (child.key == "sweep") keep_shared(put(first, child), objectives_of(*root.find(stage1_table)));
    }
    return first;
}

bool needs_stage1(const Experiment& experiment, const Node& root) {
    const Node* stage1 = root.find(stage1_table);
    return stage1 && std::any_of(experiment.trials.begin(), experiment.trials.end(),
                                 [objectives = objectives_of(*stage1)](const TrialConfig& trial) {
                                     return has_stage1(trial, objectives);
                                 });
}

void start_from_stage1(Experiment& experiment, const Experiment& stage1, const Node& root,
                       const PluginCatalogue& plugins) {
    const std::vector<std::string> objectives = objectives_of(*root.find(stage1_table));
    std::map<std::string, std::string> hashes;  // of the first stages, by what they share with a trial
    for (const TrialConfig& trial : stage1.trials) hashes.emplace(shared_text(trial.config), trial.hash);
    for (TrialConfig& trial : experiment.trials) {
        if (!has_stage1(trial, objectives)) continue;
        trial.config["train"]["start_from"] = stage1.name + "@" + hashes.at(shared_text(trial.config));
        trial.hash = split_config(trial.config, declared_by(plugins)).hash;
    }
}

}  // namespace marginalia::config
