#include "kernel/spec/extends.h"

#include <algorithm>

#include "kernel/spec/file_text.h"
#include "kernel/spec/overrides.h"
#include "kernel/spec/section.h"
#include "kernel/spec/toml_text.h"

namespace marginalia::config {
namespace {

namespace fs = std::filesystem;

std::string anchored(const fs::path& folder, const std::string& path) {
    return path.empty() ? path : (folder / path).lexically_normal().string();
}

fs::path folder_of(const std::string& file) { return fs::absolute(file).parent_path(); }

const Node* plugin_of(const Node& table) {
    const Node* plugin = table.find("plugin");
    return plugin && plugin->kind == Node::Kind::text ? plugin : nullptr;
}

void lay_over(Node& base, Node above, bool root) {
    for (Node& child : above.children) {
        Node* below = base.find(child.key);
        if (!below || !below->is_table() || !child.is_table() || (root && child.key == "sweep")) {
            put(base, std::move(child));
            continue;
        }
        if (root && is_plugin_table(child.key) && plugin_of(*below) && plugin_of(child) &&
            plugin_of(*below)->scalar != plugin_of(child)->scalar)
            std::erase_if(below->children, [](const Node& key) { return !key.is_table(); });
        below->place = child.place;
        below->key_place = child.key_place;
        lay_over(*below, std::move(child), false);
    }
}

class Reader {
public:
    explicit Reader(Faults& faults) : faults_(faults) {}

    std::optional<Node> read(std::string_view text, const fs::path& file, std::uint32_t number) {
        chain_.push_back(fs::weakly_canonical(fs::absolute(file)));
        std::optional<Node> above = read_toml(text, faults_, number);
        if (!above) return std::nullopt;
        if (number > 0) prepare(*above, file);
        const Node* extends = above->find("extends");
        if (!extends) return above;
        std::optional<Node> base = read_base(*extends, file);
        if (!base) return std::nullopt;
        erase(*above, "extends");
        lay_over(*base, std::move(*above), true);
        std::stable_partition(base->children.begin(), base->children.end(),
                              [](const Node& n) { return n.key == "name"; });
        return base;
    }

private:
    static void prepare(Node& base, const fs::path& file) {
        erase(base, "name");
        Node* run = base.find("run");
        Node* list = run ? run->find("plugin_path") : nullptr;
        if (!list || list->kind != Node::Kind::text) return;
        const auto folders = list->scalar.get<std::string>();
        std::string absolute;
        for (std::size_t at = 0; at <= folders.size();) {
            const std::size_t end = std::min(folders.find(':', at), folders.size());
            absolute += (at > 0 ? ":" : "") + anchored(folder_of(file.string()), folders.substr(at, end - at));
            at = end + 1;
        }
        list->scalar = absolute;
    }

    std::optional<Node> read_base(const Node& extends, const fs::path& file) {
        if (extends.kind != Node::Kind::text || extends.scalar == "") {
            faults_.add(extends.place,
                        "'extends' must be the name of an experiment file in quotes, not " + described(extends));
            return std::nullopt;
        }
        const fs::path base = (file.parent_path() / extends.scalar.get<std::string>()).lexically_normal();
        if (std::find(chain_.begin(), chain_.end(), fs::weakly_canonical(fs::absolute(base))) != chain_.end()) {
            faults_.add(extends.place, "'extends' leads back to " + base.string() +
                                           ", which extends this file; a file cannot build on itself");
            return std::nullopt;
        }
        try {
            return read(file_text(base, "file to extend"), base, faults_.add_file(base.string()));
        } catch (const Error& error) {
            faults_.add(extends.place, error.what());
            return std::nullopt;
        }
    }

    Faults& faults_;
    std::vector<fs::path> chain_;
};

// Whether one of the plugins that trials may have declares the key as a file name.
bool key_names_file(const Node& root, const std::string& table, const std::string& plugin, const std::string& key,
                    const PluginCatalogue& catalogue) {
    const auto names = plugin.empty() ? plugins_tried(root, table) : std::vector<std::string>{plugin};
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        const PluginManifest* found = catalogue.find(kind_of_table(table), name);
        const ParameterSpec* spec = found ? find_parameter(found->parameters, key) : nullptr;
        return spec && names_file(spec->type);
    });
}

// A value, a list of them or a choice of them.
void make_absolute(Node& value, const Faults& faults) {
    for (Node& child : value.children) make_absolute(child, faults);
    if (value.kind == Node::Kind::text && value.place.source == 0 && value.place.file > 0)
        value.scalar = anchored(folder_of(faults.files()[value.place.file]), value.scalar.get<std::string>());
}

// Calls use(table, plugin or "", key, value) for every key that stands in a plugin's table.
template <class Use>
void for_parameters(Node& root, Use use) {
    for (const std::string& name : plugin_tables()) {
        Node* table = root.find(name);
        if (!table) continue;
        for (Node& child : table->children) {
            if (!child.is_table()) use(name, "", child.key, child);
            else
                for (Node& own : child.children) use(name, child.key, own.key, own);
        }
    }
}

// Keys in conditions are among them.
template <class Use>
void for_swept(Node& sweep, Use use) {
    for (Node& child : sweep.children) {
        if (child.key == "zip" || child.key == "exclude" || child.key == "when") {
            if (child.is_table() && child.key != "when") for_swept(child, use);
            else
                for (Node& table : child.children) for_swept(table, use);
            continue;
        }
        const std::size_t first = child.key.find('.'), last = child.key.rfind('.');
        if (first == child.key.npos) continue;
        use(child.key.substr(0, first), first == last ? "" : child.key.substr(first + 1, last - first - 1),
            child.key.substr(last + 1), child);
    }
}

void end_sweeps_below(Node& root, const std::string& prefix, const Node& table) {
    for (const Node& child : table.children) {
        const std::string key = prefix + "." + child.key;
        if (child.is_table()) {
            end_sweeps_below(root, key, child);
            continue;
        }
        const Node* sweep = root.find("sweep");
        if (sweep && sweep->place.file > child.place.file) end_sweep(root, key);
    }
}

}  // namespace

std::optional<Node> read_with_bases(std::string_view text, const fs::path& file, Faults& faults) {
    return Reader(faults).read(text, file, 0);
}

void settle_bases(Node& root, const PluginCatalogue& catalogue, const Faults& faults) {
    if (faults.files().size() == 1) return;
    for (const auto* tables : {&plugin_tables(), &kernel_tables()})
        for (const std::string& name : *tables)
            if (const Node* table = root.find(name); table && table->is_table())
                end_sweeps_below(root, name, Node(*table));
    const auto settle = [&](const std::string& table, const std::string& plugin, const std::string& key, Node& value) {
        if (key_names_file(root, table, plugin, key, catalogue)) make_absolute(value, faults);
    };
    for_parameters(root, settle);
    if (Node* sweep = root.find("sweep")) for_swept(*sweep, settle);
}

}  // namespace marginalia::config
