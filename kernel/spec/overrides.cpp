#include "kernel/spec/overrides.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "kernel/spec/range.h"
#include "kernel/spec/section.h"
#include "kernel/spec/toml_text.h"

namespace marginalia::config {
namespace {

struct Override {
    Place place;
    bool remove = false;
    std::string key;
    std::string value;
};

std::vector<std::string> parts_of(const std::string& key) {
    std::vector<std::string> parts(1);
    for (const char c : key) c == '.' ? parts.emplace_back() : parts.back() += c;
    return parts;
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? "" : std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

// Cuts at commas outside quotes and brackets.
std::vector<std::string> pieces_of(const std::string& value) {
    std::vector<std::string> pieces(1);
    char quote = 0;
    int depth = 0;
    for (const char c : value) {
        if (quote) quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'') quote = c;
        else if (c == '[' || c == '{') ++depth;
        else if (c == ']' || c == '}') --depth;
        if (c == ',' && !quote && depth == 0) pieces.emplace_back();
        else pieces.back() += c;
    }
    for (std::string& piece : pieces) piece = trimmed(piece);
    return pieces;
}

bool is_utf8(const std::string& text) {
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

std::optional<Override> read_override(const std::string& text, Place place, Faults& faults) {
    const std::size_t start = text.find_first_not_of('+');
    const bool remove = text.starts_with('~');
    const std::size_t equals = text.find('=');
    const std::string body = remove ? text.substr(1) : start == text.npos ? "" : text.substr(start);
    const std::size_t split = body.find('=');
    Override result{place, remove, trimmed(body.substr(0, split)),
                    split == body.npos ? "" : trimmed(body.substr(split + 1))};
    std::string fault;
    if (!is_utf8(text)) fault = "this is not valid UTF-8";
    else if (!remove && equals == text.npos) fault = "there is no '=' in it; write KEY=VALUE, or ~KEY to remove a key";
    else if (result.key.empty()) fault = "there is no key in it; write KEY=VALUE, such as train.steps=100";
    else if (result.key.find_first_of("[]{}\"' \t") != result.key.npos || result.key.find("..") != result.key.npos ||
             result.key.ends_with('.') || result.key.starts_with('.'))
        fault = "'" + result.key + "' is not a key; write table and key joined by a dot, such as train.steps=100";
    if (fault.empty()) return result;
    faults.add(place, fault);
    return std::nullopt;
}

class Overrider {
public:
    Overrider(Node& root, const PluginCatalogue& catalogue, Faults& faults)
        : root_(root), catalogue_(catalogue), faults_(faults) {}

    void apply(const Override& o) {
        const auto parts = parts_of(o.key);
        if (o.remove) return remove(o, parts);
        if (parts.size() > 3) {
            faults_.add(o.place, "'" + o.key + "' has too many dots; keys are TABLE.KEY or TABLE.PLUGIN.KEY");
            return;
        }
        const bool sweepable =
            parts.size() > 1 && !is_about_running(parts[0]) && parts[0] != "sweep" && parts[0] != "table";
        const bool splits = sweepable || o.key == "seeds";
        Node value = value_of(o, is_text(parts), splits);
        if (sweepable) end_sweep(root_, o.key);
        if (sweepable && (value.is_list() || value.is_table())) return sweep(o, std::move(value));
        Node* table = &root_;
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) table = &table_in(*table, parts[i], o.place);
        value.key = parts.back();
        put(*table, std::move(value));
    }

private:
    // Makes the table if it is not there, or is something else, which is then replaced.
    static Node& table_in(Node& parent, const std::string& key, Place place) {
        Node* table = parent.find(key);
        return table && table->is_table() ? *table : put(parent, make_table(key, place));
    }

    // Whether the key is declared as text, so that a bare word is a value.
    bool is_text(const std::vector<std::string>& parts) const {
        const std::string& key = parts.back();
        if (parts.size() == 1) return key == "name" || key == "description";
        if (parts.size() == 2 && is_plugin_table(parts[0]) && key == "plugin") return true;
        const auto text = [&](const std::vector<ParameterSpec>& declared) {
            const ParameterSpec* spec = find_parameter(declared, key);
            return spec && (spec->type == ParameterType::text || names_file(spec->type));
        };
        if (is_kernel_table(parts[0])) return text(kernel_parameters(parts[0]));
        const auto names = parts.size() == 3 ? std::vector<std::string>{parts[1]} : plugins_tried(root_, parts[0]);
        return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            const PluginManifest* plugin = catalogue_.find(kind_of_table(parts[0]), name);
            return plugin && text(plugin->parameters);
        });
    }

    static Node piece_value(const std::string& piece, bool text, bool splits, Place place) {
        const bool spelt_as_toml = !text || piece.starts_with('"') || piece.starts_with('\'') ||
                                   (splits && (piece.starts_with('[') || piece.starts_with('{')));
        auto value = spelt_as_toml ? read_toml_value(piece, place) : std::nullopt;
        return value ? *value : make_text("", piece, place);
    }

    static Node value_of(const Override& o, bool text, bool splits) {
        const auto pieces = splits ? pieces_of(o.value) : std::vector<std::string>{o.value};
        Node first = piece_value(pieces[0], text, splits, o.place);
        if (pieces.size() == 1 && (o.key != "seeds" || first.is_list())) return first;
        Node list{Node::Kind::list, "", o.place, o.place, nullptr, {}};
        for (const std::string& piece : pieces) list.children.push_back(piece_value(piece, text, splits, o.place));
        return list;
    }

    void sweep(const Override& o, Node value) {
        value.key = o.key;
        put(table_in(root_, "sweep", o.place), std::move(value));
    }

    void remove(const Override& o, const std::vector<std::string>& parts) {
        const bool in_sweep = parts[0] == "sweep" && parts.size() > 1;
        bool found = end_sweep(root_, in_sweep ? o.key.substr(6) : o.key);
        Node* table = &root_;
        for (std::size_t i = 0; table && i + 1 < parts.size(); ++i) table = table->find(parts[i]);
        found |= table && erase(*table, parts.back());
        if (!found) faults_.add(o.place, "there is no '" + o.key + "' in the file to remove");
    }

    Node& root_;
    const PluginCatalogue& catalogue_;
    Faults& faults_;
};

}  // namespace

std::vector<std::string> plugins_tried(const Node& root, const std::string& table) {
    std::vector<std::string> names;
    const auto take = [&](const Node* node) {
        if (node && node->kind == Node::Kind::text) names.push_back(node->scalar);
        if (node && node->is_list())
            for (const Node& child : node->children)
                if (child.kind == Node::Kind::text) names.push_back(child.scalar);
    };
    if (const Node* section = root.find(table)) take(section->find("plugin"));
    if (const Node* sweep = root.find("sweep")) take(sweep->find(table + ".plugin"));
    return names;
}

bool end_sweep(Node& root, const std::string& key) {
    Node* sweep = root.find("sweep");
    if (!sweep || !sweep->is_table()) return false;
    const Node* swept = sweep->find(key);
    const bool drawn = swept && is_draw(*swept);
    bool found = erase(*sweep, key);
    if (drawn && std::none_of(sweep->children.begin(), sweep->children.end(), is_draw)) {
        erase(*sweep, "samples");
        erase(*sweep, "seed");
    }
    Node* zips = sweep->find("zip");
    if (!zips) return found;
    if (zips->is_table()) found |= erase(*zips, key);
    for (Node& zip : zips->children) found |= zips->is_list() && erase(zip, key);
    std::erase_if(zips->children,
                  [&](const Node& zip) { return zips->is_list() && zip.is_table() && zip.children.empty(); });
    if (zips->children.empty()) erase(*sweep, "zip");
    return found;
}

void apply_overrides(Node& root, const std::vector<std::string>& overrides, const PluginCatalogue& catalogue,
                     Faults& faults) {
    std::vector<Override> read;
    for (std::size_t i = 0; i < overrides.size(); ++i)
        if (auto o = read_override(overrides[i], {static_cast<std::uint32_t>(i + 1)}, faults)) read.push_back(*o);
    // The plugin first: it says which values are text.
    std::stable_partition(read.begin(), read.end(), [](const Override& o) { return o.key.ends_with(".plugin"); });
    Overrider overrider(root, catalogue, faults);
    for (const Override& o : read) overrider.apply(o);
}

}  // namespace marginalia::config
