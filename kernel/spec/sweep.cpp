#include "kernel/spec/sweep.h"

#include <algorithm>
#include <utility>

#include "kernel/spec/nearest.h"
#include "kernel/spec/range.h"

namespace marginalia::config {
namespace {

// Appends `child`, or what lies in it where it stands for a table and not for a parameter.
void flatten(Node child, const std::string& prefix, const PluginCatalogue& catalogue, std::vector<Node>& flat) {
    const bool is_table_name = prefix.empty() && (is_plugin_table(child.key) || is_kernel_table(child.key));
    const bool is_plugin_name =
        !prefix.empty() && prefix.find('.') == prefix.npos && catalogue.find(kind_of_table(prefix), child.key);
    child.key = prefix.empty() ? child.key : prefix + "." + child.key;
    if (!child.is_table() || !(is_table_name || is_plugin_name)) {
        flat.push_back(std::move(child));
        return;
    }
    for (Node& inner : child.children) flatten(std::move(inner), child.key, catalogue, flat);
}

void flatten_table(Node& table, const PluginCatalogue& catalogue) {
    std::vector<Node> flat;
    for (Node& child : table.children) flatten(std::move(child), "", catalogue, flat);
    table.children = std::move(flat);
}

constexpr std::size_t most_excludes = 1000;  // each is judged for each of up to 100,000 combinations

std::string example(const std::string& key) {
    for (const std::string& table : kernel_tables())
        if (!is_about_running(table) && find_parameter(kernel_parameters(table), key)) return table + "." + key;
    return "energy." + key;
}

// Reads a flat [sweep] table.
class SweepReader {
public:
    explicit SweepReader(Faults& faults) : faults_(faults) {}

    SweepText read(const Node& sweep) {
        for (const Node& child : sweep.children) {
            if (child.key == "zip") read_zips(child);
            else if (child.key == "when") read_when(child);
            else if (child.key == "exclude") read_excludes(child);
            else if (is_about_draws(child.key)) continue;
            else if (auto key = resolve(child)) (is_draw(child) ? text_.draws : text_.grid).push_back(std::move(*key));
        }
        std::vector<std::string> drawn;
        for (const SweptKey& key : text_.draws) drawn.push_back(key.dotted);
        text_.plan =
            read_draw_plan(sweep, drawn, drawn.empty() ? Place{} : text_.draws.front().place, draw_refused_, faults_);
        return std::move(text_);
    }

private:
    void read_when(const Node& when) {
        if (when.is_table()) text_.when = &when;
        else
            faults_.add(when.place,
                        "when must be a table, [sweep.when], with lines such as \"train.warmup\" = { "
                        "\"train.schedule\" = \"cosine\" }, not " +
                            described(when));
    }

    void read_excludes(const Node& excludes) {
        if (excludes.is_table()) text_.excludes.push_back(&excludes);
        else if (!excludes.is_list()) refuse_exclude(excludes);
        else if (excludes.children.size() > most_excludes)
            faults_.add(excludes.place, "there are " + std::to_string(excludes.children.size()) +
                                            " tables [[sweep.exclude]]; give at most " + std::to_string(most_excludes) +
                                            ", with lists of values in place of several tables");
        else
            for (const Node& exclude : excludes.children)
                exclude.is_table() ? text_.excludes.push_back(&exclude) : refuse_exclude(exclude);
    }

    void refuse_exclude(const Node& node) {
        faults_.add(
            node.place,
            "exclude must be a table of values that are not tried together, [[sweep.exclude]], not " + described(node));
    }

    void read_zips(const Node& zips) {
        if (!zips.is_list()) return read_zip(zips);
        for (const Node& zip : zips.children) read_zip(zip);
    }

    void read_zip(const Node& zip) {
        if (!zip.is_table()) {
            faults_.add(zip.place,
                        "zip must be a table of lists that move together, [[sweep.zip]], not " + described(zip));
            return;
        }
        std::vector<SweptKey> keys;
        for (const Node& child : zip.children) {
            auto key = resolve(child);
            if (!key) continue;
            if (!is_draw(child)) {
                keys.push_back(std::move(*key));
                continue;
            }
            draw_refused_ = true;
            faults_.add(child.key_place,
                        "'" + child.key + "' is drawn at random and cannot be in [[sweep.zip]]; move it to [sweep]");
        }
        if (!keys.empty()) text_.zips.push_back(std::move(keys));
    }

    std::optional<SweptKey> resolve(const Node& child) {
        auto key = split_key(child, faults_);
        if (!key) return std::nullopt;
        key->values = &child;
        for (const SweptKey* other : text_.keys())
            if (other->dotted == key->dotted) {
                faults_.add(child.key_place, "'" + key->dotted + "' is swept twice; keep one of the two");
                return std::nullopt;
            }
        return key;
    }

    Faults& faults_;
    SweepText text_;
    bool draw_refused_ = false;
};

}  // namespace

std::vector<const SweptKey*> SweepText::keys() const {
    std::vector<const SweptKey*> all;
    for (const SweptKey& key : grid) all.push_back(&key);
    for (const auto& zip : zips)
        for (const SweptKey& key : zip) all.push_back(&key);
    for (const SweptKey& key : draws) all.push_back(&key);
    return all;
}

std::optional<SweptKey> split_key(const Node& child, Faults& faults) {
    const std::string& dotted = child.key;
    const std::size_t first = dotted.find('.'), second = dotted.find('.', first == dotted.npos ? first : first + 1);
    const std::string section = dotted.substr(0, first);
    const auto fail = [&](const std::string& sentence) {
        faults.add(child.key_place, sentence);
        return std::nullopt;
    };
    if (section == "seeds" || section == "name" || section == "description")
        return fail("'" + section + "' cannot be swept; " +
                    (section == "seeds" ? "give seeds = [0, 1, 2] at the top of the file"
                                        : "it belongs at the top of the file"));
    if (first == dotted.npos && !is_kernel_table(section) && !is_plugin_table(section))
        return fail("'" + dotted + "' in [sweep] needs the name of its table in front, such as \"" + example(dotted) +
                    "\"");
    if (is_about_running(section))
        return fail("'" + dotted + "' cannot be swept: [" + section +
                    "] sets how trials are run, not what they compute");
    if (!is_plugin_table(section) && !is_kernel_table(section))
        return fail("unknown table '" + section + "' of the key '" + dotted + "' in [sweep]" +
                    suggestion(section, swept_tables(), "Tables"));
    if (first == dotted.npos || (second != dotted.npos && !is_plugin_table(section)))
        return fail("'" + dotted + "' in [sweep] names no parameter; write [sweep] keys as \"" + section +
                    ".PARAMETER\"");
    return SweptKey{section,
                    second == dotted.npos ? "" : dotted.substr(first + 1, second - first - 1),
                    dotted.substr((second == dotted.npos ? first : second) + 1),
                    dotted,
                    child.key_place,
                    nullptr};
}

void flatten_sweep(Node& root, const PluginCatalogue& catalogue) {
    Node* sweep = root.find("sweep");
    if (!sweep || !sweep->is_table()) return;
    flatten_table(*sweep, catalogue);
    for (const char* name : {"zip", "exclude"}) {
        Node* tables = sweep->find(name);
        if (tables && tables->is_table()) flatten_table(*tables, catalogue);
        if (tables && tables->is_list())
            for (Node& table : tables->children)
                if (table.is_table()) flatten_table(table, catalogue);
    }
    Node* when = sweep->find("when");
    if (!when || !when->is_table()) return;
    flatten_table(*when, catalogue);
    for (Node& condition : when->children)
        if (condition.is_table()) flatten_table(condition, catalogue);
}

SweepText read_sweep(const Node* sweep, Faults& faults) {
    return sweep && sweep->is_table() ? SweepReader(faults).read(*sweep) : SweepText{};
}

SweptHere swept_in(const std::string& section, const SweepText& sweep) {
    SweptHere here;
    for (const SweptKey* key : sweep.keys()) {
        if (key->section != section) continue;
        here.keys.insert(key->plugin.empty() ? key->key : key->plugin + "." + key->key);
        if (!key->is_plugin_choice()) continue;
        const Node* list = key->values->is_table() ? key->values->find("choice") : key->values;
        if (list && list->is_list())
            for (const Node& value : list->children) here.plugins.push_back(&value);
    }
    return here;
}

}  // namespace marginalia::config
