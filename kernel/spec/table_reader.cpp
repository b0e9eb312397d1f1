#include "kernel/spec/table_reader.h"

#include <algorithm>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"
#include "kernel/spec/value.h"

namespace marginalia::config {
namespace {

class TableReader {
public:
    TableReader(const PluginCatalogue* catalogue, const std::filesystem::path& folder, Faults& faults)
        : catalogue_(catalogue), folder_(folder), faults_(faults) {}

    PaperTable read(const Node& table) {
        allow(table, "[table]", {"title", "columns", "limits", "note", "rows"});
        read_.title = required_text(table, "[table]", "title");
        if (const Node* note = table.find("note")) read_.note = text_of(*note, "table.note");
        read_columns(table);
        if (const Node* limits = table.find("limits")) read_.limits = figures(*limits, "table.limits");
        read_rows(table);
        return std::move(read_);
    }

private:
    void allow(const Node& table, const std::string& name, const std::vector<std::string>& keys) {
        for (const Node& child : table.children)
            if (std::find(keys.begin(), keys.end(), child.key) == keys.end())
                faults_.add(child.key_place, "unknown key '" + child.key + "' in " + name +
                                                 suggestion(child.key, keys, "Keys of " + name));
    }

    std::string text_of(const Node& node, const std::string& name) {
        if (node.kind == Node::Kind::text && node.scalar != "") return node.scalar;
        faults_.add(node.place, "'" + name + "' must be a text in quotes, not " + described(node));
        return "";
    }

    std::string required_text(const Node& table, const std::string& name, const std::string& key) {
        if (const Node* node = table.find(key)) return text_of(*node, "table." + key);
        faults_.add(table.place, name + " lacks '" + key + "'; add " + key + " = \"...\"");
        return "";
    }

    void read_columns(const Node& table) {
        const Node* columns = table.find("columns");
        if (!columns || !columns->is_list() || columns->children.empty()) {
            faults_.add(columns ? columns->place : table.place,
                        "'table.columns' must be a list of final metrics, such as columns = [\"kl\", \"nll_bits\"]");
            return;
        }
        for (const Node& column : columns->children) {
            const std::string name = text_of(column, "table.columns");
            if (std::find(read_.columns.begin(), read_.columns.end(), name) != read_.columns.end())
                faults_.add(column.place, "the column '" + name + "' is given twice");
            read_.columns.push_back(name);
        }
    }

    // Calls use(key, value) for each key of a table from column to value; others are faults.
    template <class Use>
    void for_columns(const Node& table, const std::string& name, Use use) {
        if (!table.is_table())
            faults_.add(table.place, "'" + name + "' must be a table, { COLUMN = VALUE }, not " + described(table));
        for (const Node& child : table.children) {
            if (std::find(read_.columns.begin(), read_.columns.end(), child.key) != read_.columns.end()) use(child);
            else if (table.is_table())
                faults_.add(child.key_place, "'" + child.key + "' in '" + name + "' is not a column of the table" +
                                                 suggestion(child.key, read_.columns, "Columns"));
        }
    }

    static bool is_number(const Node& node) {
        return node.kind == Node::Kind::integer || node.kind == Node::Kind::number;
    }

    std::map<std::string, double> figures(const Node& table, const std::string& name) {
        std::map<std::string, double> figures;
        for_columns(table, name, [&](const Node& child) {
            if (is_number(child)) figures[child.key] = child.scalar;
            else
                faults_.add(child.place,
                            "'" + child.key + "' in '" + name + "' must be a number, not " + described(child));
        });
        return figures;
    }

    std::map<std::string, PublishedFigure> published(const Node& table) {
        const std::string name = "table.rows.published";
        std::map<std::string, PublishedFigure> figures;
        for_columns(table, name, [&](const Node& child) {
            const bool pair = child.is_list() && child.children.size() == 2 && is_number(child.children[0]) &&
                              is_number(child.children[1]);
            if (is_number(child)) figures[child.key] = {child.scalar.get<double>(), std::nullopt};
            else if (pair)
                figures[child.key] = {child.children[0].scalar.get<double>(), child.children[1].scalar.get<double>()};
            else
                faults_.add(child.place, "'" + child.key + "' in '" + name +
                                             "' must be a number such as 0.93, or a number and its error such as "
                                             "[0.93, 0.01]");
        });
        return figures;
    }

    void read_rows(const Node& table) {
        const Node* rows = table.find("rows");
        const bool lists = rows && rows->is_list() && !rows->children.empty();
        if (!lists)
            faults_.add(rows ? rows->place : table.place,
                        "[table] has no rows; add one as [[table.rows]] with a label");
        for (const Node& row : lists ? rows->children : std::vector<Node>()) {
            if (row.is_table()) read_.rows.push_back(read_row(row));
            else faults_.add(row.place, "a row must be a table, [[table.rows]], not " + described(row));
        }
    }

    PaperRow read_row(const Node& node) {
        PaperRow row;
        allow(node, "[[table.rows]]",
              {"label", "where", "published", "experiment", "metrics", "target", "cite", "hardware", "second_hand"});
        row.label = required_text(node, "[[table.rows]]", "label");
        if (const Node* other = node.find("experiment")) row.experiment = text_of(*other, "table.rows.experiment");
        if (const Node* target = node.find("target")) row.target = text_of(*target, "table.rows.target");
        if (const Node* figures = node.find("published")) row.published = published(*figures);
        read_source(node, row);
        if (const Node* metrics = node.find("metrics"))
            for_columns(*metrics, "table.rows.metrics", [&](const Node& child) {
                row.metrics[child.key] = child.scalar == "" ? "" : text_of(child, "table.rows.metrics." + child.key);
            });
        const Node* where = node.find("where");
        if (where && !where->is_table())
            faults_.add(where->place,
                        "'table.rows.where' must be a table, { \"TABLE.KEY\" = VALUE }, not " + described(*where));
        if (where && where->is_table()) read_where(*where, "", row);
        return row;
    }

    void read_source(const Node& node, PaperRow& row) {
        if (const Node* cite = node.find("cite")) row.cite = text_of(*cite, "table.rows.cite");
        for (const char* key : {"hardware", "second_hand"})
            if (const Node* extra = node.find(key); extra && row.cite.empty())
                faults_.add(extra->key_place, std::string("'table.rows.") + key +
                                                  "' is about published figures; say where they stand: cite = \"...\"");
        for (const char* key : {"where", "experiment", "metrics"})
            if (const Node* own = node.find(key); own && !row.cite.empty())
                faults_.add(own->key_place, std::string("'table.rows.") + key +
                                                "' chooses trials of ours, of which a row with 'cite' has none; give "
                                                "ours a row of its own");
        if (!row.cite.empty() && row.published.empty())
            faults_.add(node.place, "a row with 'cite' has nothing without 'published'; add { COLUMN = FIGURE }");
        if (const Node* hardware = node.find("hardware")) row.hardware = text_of(*hardware, "table.rows.hardware");
        const Node* second_hand = node.find("second_hand");
        if (!second_hand) return;
        if (second_hand->kind == Node::Kind::boolean) row.second_hand = second_hand->scalar.get<bool>();
        else
            faults_.add(second_hand->place,
                        "'table.rows.second_hand' must be true or false, not " + described(*second_hand));
    }

    // Keys in quotes hold dots, keys without make tables: the two mean the same.
    void read_where(const Node& where, const std::string& prefix, PaperRow& row) {
        for (const Node& child : where.children) {
            const std::string key = prefix.empty() ? child.key : prefix + "." + child.key;
            if (child.is_table()) {
                read_where(child, key, row);
                continue;
            }
            std::vector<nlohmann::json> values;
            if (!child.is_list()) values.push_back(allowed(key, child, child));
            for (const Node& value : child.is_list() ? child.children : std::vector<Node>())
                values.push_back(allowed(key, value, child));
            if (values.empty())
                faults_.add(child.place, "'" + key + "' in 'table.rows.where' allows no value; give one or a list");
            row.where.emplace_back(key, std::move(values));
        }
    }

    nlohmann::json allowed(const std::string& key, const Node& value, const Node& at) {
        if (value.is_list() || value.is_table() || value.kind == Node::Kind::date)
            faults_.add(value.place, "'" + key + "' in 'table.rows.where' cannot be " + described(value) +
                                         "; give a value that a config may have, or a list of such");
        else if (catalogue_) check(key, value, at);
        return value.scalar;
    }

    // Throws no light on plugins that are not there: any plugin of the kind may declare the key.
    void check(const std::string& key, const Node& value, const Node& at) {
        const std::string table = key.substr(0, key.find('.')),
                          rest = key.substr(std::min(table.size() + 1, key.size()));
        if (is_plugin_table(table) && rest == "plugin") {
            if (value.kind != Node::Kind::text)
                faults_.add(value.place,
                            "'" + key + "' must be the name of a plugin in quotes, not " + described(value));
            return;
        }
        const std::vector<const ParameterSpec*> specs = declared(table, rest);
        if (specs.empty()) {
            faults_.add(at.key_place, "'" + key + "' in 'table.rows.where' names nothing in a trial's config" +
                                          suggestion(key, keys(table), "Keys"));
            return;
        }
        const auto fits = [&](const ParameterSpec* spec) {
            Faults unsaid("", {});
            Node copy = value;
            copy.place = {};
            return checked(copy, *spec, key, folder_, unsaid).has_value();
        };
        if (std::none_of(specs.begin(), specs.end(), fits)) checked(value, *specs.front(), key, folder_, faults_);
    }

    static bool has_config(const std::string& table) { return table == "train" || table == "evaluation"; }

    std::vector<const ParameterSpec*> declared(const std::string& table, const std::string& key) const {
        std::vector<const ParameterSpec*> specs;
        const auto take = [&](const std::vector<ParameterSpec>& list) {
            if (const ParameterSpec* spec = find_parameter(list, key)) specs.push_back(spec);
        };
        if (has_config(table)) take(kernel_parameters(table));
        if (is_plugin_table(table))
            for (const PluginManifest& plugin : catalogue_->plugins)
                if (plugin.kind == kind_of_table(table)) take(plugin.parameters);
        return specs;
    }

    // All keys of one table's configs; of all tables by name where there is no such table.
    std::vector<std::string> keys(const std::string& table) const {
        std::vector<std::string> keys;
        const auto take = [&](const std::string& owner, const std::vector<ParameterSpec>& list) {
            for (const std::string& name : names_of(list))
                if (std::find(keys.begin(), keys.end(), owner + "." + name) == keys.end())
                    keys.push_back(owner + "." + name);
        };
        for (const std::string& owner : plugin_tables()) {
            if (is_plugin_table(table) && owner != table) continue;
            if (has_config(table)) continue;
            keys.push_back(owner + ".plugin");
            if (owner != table) continue;
            for (const PluginManifest& plugin : catalogue_->plugins)
                if (plugin.kind == kind_of_table(owner)) take(owner, plugin.parameters);
        }
        if (has_config(table)) take(table, kernel_parameters(table));
        return keys;
    }

    const PluginCatalogue* catalogue_;
    const std::filesystem::path& folder_;
    Faults& faults_;
    PaperTable read_;
};

}  // namespace

PaperTable read_paper_table(const Node& table, const PluginCatalogue* catalogue, const std::filesystem::path& folder,
                            Faults& faults) {
    return TableReader(catalogue, folder, faults).read(table);
}

}  // namespace marginalia::config
