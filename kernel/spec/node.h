// An experiment file as read: values with the place each was written at, in the order of mention.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace marginalia::config {

// Where something was written. Source 0 is a file; source n > 0 is the n-th override of the command line, which has no
// lines. File 0 is the experiment file, file n > 0 the n-th that it extends.
struct Place {
    std::uint32_t source = 0;
    std::uint32_t file = 0;
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    auto operator<=>(const Place&) const = default;
};

// One value. In a table every child has a key; in a list none has.
struct Node {
    enum class Kind { boolean, integer, number, text, date, list, table };

    Kind kind = Kind::table;
    std::string key;
    Place key_place;
    Place place;
    nlohmann::json scalar;  // of boolean, integer, number and text; the spelling of a date
    std::vector<Node> children;

    const Node* find(std::string_view child) const;
    Node* find(std::string_view child);
    bool is_table() const { return kind == Kind::table; }
    bool is_list() const { return kind == Kind::list; }
};

// Adds `value` under its key, or puts it in the place of the child that has the key. Returns it where it now is.
Node& put(Node& table, Node value);

// Removes a child; false if there was none.
bool erase(Node& table, std::string_view key);

Node make_text(std::string key, std::string text, Place place);
Node make_table(std::string key, Place place);

// What a value is, for messages: `the text "many"`, `the integer 3`, `a list`.
std::string described(const Node&);

}  // namespace marginalia::config
