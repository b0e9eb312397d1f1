#include "kernel/spec/toml_text.h"

#include <marginalia/files.h>
#include <marginalia/states.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "kernel/base/printable.h"
#include "kernel/spec/spelling.h"

namespace marginalia::config {

// What toml++ 3.3 asserts is not always so (a table's name that begins with a dot), and in a release build the compiler
// would take it for granted. So its assertions stay on, and throw.
[[noreturn]] static void assertion_failed() { throw std::logic_error("toml++"); }

}  // namespace marginalia::config

#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : marginalia::config::assertion_failed())
#include <toml++/toml.h>

namespace marginalia::config {
namespace {

Place place_of(const toml::source_region& region, std::uint32_t file) {
    return {0, file, std::max<std::uint32_t>(1, region.begin.line), std::max<std::uint32_t>(1, region.begin.column)};
}

std::string spelling(const toml::node& node) {
    std::ostringstream out;
    node.visit([&](const auto& n) { out << n; });
    return out.str();
}

Node convert(const toml::node& from, std::uint32_t file = 0) {
    Node node;
    node.place = place_of(from.source(), file);
    if (const auto* table = from.as_table()) {
        for (const auto& [key, value] : *table) {
            Node& child = node.children.emplace_back(convert(value, file));
            child.key = std::string(key.str());
            child.key_place = place_of(key.source(), file);
        }
        // toml++ keeps tables sorted by key; people expect the order they wrote.
        std::stable_sort(node.children.begin(), node.children.end(),
                         [](const Node& a, const Node& b) { return a.key_place < b.key_place; });
        return node;
    }
    if (const auto* array = from.as_array()) {
        node.kind = Node::Kind::list;
        for (const auto& value : *array) node.children.push_back(convert(value, file));
    } else if (const auto* boolean = from.as_boolean()) {
        node.kind = Node::Kind::boolean, node.scalar = boolean->get();
    } else if (const auto* integer = from.as_integer()) {
        node.kind = Node::Kind::integer, node.scalar = integer->get();
    } else if (const auto* number = from.as_floating_point()) {
        node.kind = Node::Kind::number, node.scalar = number->get();
    } else if (const auto* text = from.as_string()) {
        node.kind = Node::Kind::text, node.scalar = text->get();
    } else {
        node.kind = Node::Kind::date, node.scalar = spelling(from);
    }
    return node;
}

void move_to(Node& node, Place place) {
    node.place = node.key_place = place;
    for (Node& child : node.children) move_to(child, place);
}

// What stands behind the '=' of a line, up to a comment.
std::string_view value_of_line(std::string_view text, std::uint32_t number) {
    for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    text = text.substr(0, text.find('\n'));
    const std::size_t equals = text.find('=');
    text = equals == text.npos ? "" : text.substr(equals + 1);
    text = text.substr(0, text.find('#'));
    const std::size_t first = text.find_first_not_of(" \t\r");
    return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// toml++ says what it saw; people want to know what to do. `value`: what stands there.
std::string syntax_fault(std::string_view description, std::string_view value) {
    static constexpr std::pair<std::string_view, const char*> remedies[] = {
        {"redefine", "; it is given twice, keep one of the two"},
        {"control characters", "; is a closing quote missing?"},
        {"expected value", "; write KEY = VALUE"},
        {"could not determine value type", "; a text needs quotes around it"},
        {"expected keys", "; a key outside quotes takes letters a to z, digits, '_' and '-'"},
        {"expected '='", "; write KEY = VALUE, and a key with spaces or dots in it in quotes"},
    };
    const std::string_view start = "Error while parsing ";
    const bool known = description.starts_with(start);
    std::string fault = known ? "this is not valid TOML, in a " + std::string(description.substr(start.size()))
                              : "this is not valid TOML: " + std::string(description);
    if (const std::string remedy = spelling_remedy(value); !remedy.empty()) return fault + remedy;
    for (const auto& [words, remedy] : remedies)
        if (description.find(words) != description.npos) return fault + remedy;
    return fault;
}

// The first line up to which the text fails an assertion: it comes without a place.
Place place_of_failed_assertion(std::string_view text, std::uint32_t file) {
    std::uint32_t line = 1;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1), ++line) {
        try {
            (void)toml::parse(text.substr(0, end));
        } catch (const std::logic_error&) {
            break;
        } catch (const toml::parse_error&) {  // cut in the middle of a value
        }
    }
    return {0, file, line, 1};
}

}  // namespace

std::optional<Node> read_toml(std::string_view text, Faults& faults, std::uint32_t file) {
    try {
        return convert(toml::parse(text), file);
    } catch (const toml::parse_error& error) {
        faults.add(place_of(error.source(), file),
                   syntax_fault(error.description(), value_of_line(text, error.source().begin.line)));
        return std::nullopt;
    } catch (const std::logic_error&) {
        faults.add(place_of_failed_assertion(text, file),
                   "this is not valid TOML: a table's name begins with a letter, a digit, '_', '-' or a quote");
        return std::nullopt;
    }
}

// Whether a comment ends the text: what is put behind it is then not seen.
static bool ends_in_comment(std::string_view text) {
    if (text.find('#') == text.npos) return false;
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    try {
        static_cast<void>(toml::parse("v = " + std::string(text) + "@"));
        return true;
    } catch (const toml::parse_error&) {
        return false;
    }
}

std::optional<Node> read_toml_value(std::string_view text, Place place) {
    if (ends_in_comment(text)) return std::nullopt;
    try {
        Node root = convert(toml::parse("v = " + std::string(text)));
        if (root.children.size() != 1 || root.children[0].key != "v") return std::nullopt;
        move_to(root.children[0], place);
        return std::move(root.children[0]);
    } catch (const toml::parse_error&) {
        return std::nullopt;
    } catch (const std::logic_error&) {
        return std::nullopt;
    }
}

std::string toml_key(const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return c < 128 && (std::isalnum(c) || c == '_' || c == '-');
    });
    return bare ? key : toml_scalar(key);
}

std::string toml_scalar(const nlohmann::json& value) {
    if (value.is_number_float() && !std::isfinite(value.get<double>()))
        return std::isnan(value.get<double>()) ? "nan" : value.get<double>() > 0 ? "inf" : "-inf";
    // JSON's spelling is TOML's, but for characters that JSON lets stand: one that TOML forbids, and those that steer a
    // terminal.
    return escaped_for_toml(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

static bool is_list_of_tables(const Node& node) {
    return node.is_list() && !node.children.empty() &&
           std::all_of(node.children.begin(), node.children.end(), [](const Node& child) { return child.is_table(); });
}

static std::string lines_of(const std::vector<Node>& children) {
    std::string text;
    for (const Node& child : children) text += toml_key(child.key) + " = " + toml_value(child) + "\n";
    return text;
}

std::string toml_value(const Node& node) {
    if (!node.is_table() && !node.is_list())
        return node.kind == Node::Kind::date ? node.scalar.get<std::string>() : toml_scalar(node.scalar);
    std::string text;
    for (const Node& child : node.children)
        text += (text.empty() ? "" : ", ") + (node.is_table() ? toml_key(child.key) + " = " : "") + toml_value(child);
    return node.is_table() ? "{ " + text + " }" : "[" + text + "]";
}

std::string write_toml(const Node& root) {
    std::string text;
    for (const Node& child : root.children)
        if (!child.is_table()) text += toml_key(child.key) + " = " + toml_value(child) + "\n";
    for (const Node& table : root.children) {
        if (!table.is_table()) continue;
        std::vector<Node> values = table.children;
        const auto lists = std::stable_partition(values.begin(), values.end(),
                                                 [](const Node& child) { return !is_list_of_tables(child); });
        text += "\n[" + toml_key(table.key) + "]\n" + lines_of({values.begin(), lists});
        for (auto list = lists; list != values.end(); ++list)
            for (const Node& item : list->children)
                text += "\n[[" + toml_key(table.key) + "." + toml_key(list->key) + "]]\n" + lines_of(item.children);
    }
    return text;
}

}  // namespace marginalia::config
