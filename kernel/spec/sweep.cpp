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

// Reads a flat [sweep] table.
class SweepReader {
public:
    explicit SweepReader(Faults& faults) : faults_(faults) {}

    SweepText read(const Node& sweep) {
        for (const Node& child : sweep.children) {
            if (child.key == "zip") read_zips(child);
            else if (child.key == "samples") text_.samples = whole(child, 1, 100000);
            else if (child.key == "seed") text_.seed = whole(child, 0, INT64_MAX);
            else if (auto key = resolve(child)) (is_draw(child) ? text_.draws : text_.grid).push_back(std::move(*key));
        }
        const Node* samples = sweep.find("samples");
        if (!text_.draws.empty() && !samples)
            faults_.add(text_.draws.front().place,
                        "'" + text_.draws.front().dotted +
                            "' is drawn at random, but [sweep] does not say how often; add samples = 20 to it");
        if (text_.draws.empty() && !draw_refused_ && samples)
            faults_.add(samples->key_place,
                        "'samples' in [sweep] is the number of random draws, but no key is drawn; write for example "
                        "\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }, or remove it");
        return std::move(text_);
    }

private:
    std::int64_t whole(const Node& node, std::int64_t least, std::int64_t most) {
        if (node.kind == Node::Kind::integer && node.scalar >= least && node.scalar <= most) return node.scalar;
        faults_.add(node.place,
                    "'" + node.key + "' in [sweep] must be an integer of at least " + std::to_string(least) +
                        (most < INT64_MAX ? " and at most " + std::to_string(most) : "") + ", not " + described(node));
        return least;
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

    std::optional<SweptKey> fail(const Node& child, const std::string& sentence) {
        faults_.add(child.key_place, sentence);
        return std::nullopt;
    }

    std::optional<SweptKey> resolve(const Node& child) {
        const std::string& dotted = child.key;
        const std::size_t first = dotted.find('.'), second = dotted.find('.', first == dotted.npos ? first : first + 1);
        const std::string section = dotted.substr(0, first);
        if (section == "seeds" || section == "name" || section == "description")
            return fail(child, "'" + section + "' cannot be swept; " +
                                   (section == "seeds" ? "give seeds = [0, 1, 2] at the top of the file"
                                                       : "it belongs at the top of the file"));
        if (first == dotted.npos && !is_kernel_table(section) && !is_plugin_table(section))
            return fail(child, "'" + dotted + "' in [sweep] needs the name of its table in front, such as \"" +
                                   example(dotted) + "\"");
        if (is_about_running(section))
            return fail(child, "'" + dotted + "' cannot be swept: [" + section +
                                   "] says how trials are run, not what they are");
        if (!is_plugin_table(section) && !is_kernel_table(section))
            return fail(child, "unknown table '" + section + "' of the key '" + dotted + "' in [sweep]" +
                                   suggestion(section, sweepable(), "Tables"));
        if (first == dotted.npos || (second != dotted.npos && !is_plugin_table(section)))
            return fail(child, "'" + dotted + "' in [sweep] names no parameter; write [sweep] keys as \"" + section +
                                   ".PARAMETER\"");
        SweptKey key{section,
                     second == dotted.npos ? "" : dotted.substr(first + 1, second - first - 1),
                     dotted.substr((second == dotted.npos ? first : second) + 1),
                     dotted,
                     child.key_place,
                     &child};
        for (const SweptKey* other : text_.keys())
            if (other->dotted == dotted) return fail(child, "'" + dotted + "' is swept twice; keep one of the two");
        return key;
    }

    static std::string example(const std::string& key) {
        for (const std::string& table : kernel_tables())
            if (!is_about_running(table) && find_parameter(kernel_parameters(table), key)) return table + "." + key;
        return "energy." + key;
    }

    static std::vector<std::string> sweepable() {
        std::vector<std::string> names = plugin_tables();
        names.insert(names.end(), {"train", "evaluation", resources_table});
        return names;
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

void flatten_sweep(Node& root, const PluginCatalogue& catalogue) {
    Node* sweep = root.find("sweep");
    if (!sweep || !sweep->is_table()) return;
    flatten_table(*sweep, catalogue);
    Node* zip = sweep->find("zip");
    if (!zip) return;
    if (zip->is_table()) flatten_table(*zip, catalogue);
    if (zip->is_list())
        for (Node& table : zip->children)
            if (table.is_table()) flatten_table(table, catalogue);
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
