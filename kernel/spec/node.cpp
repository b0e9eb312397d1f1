#include "kernel/spec/node.h"

#include <algorithm>
#include <utility>

#include "kernel/spec/toml_text.h"

namespace marginalia::config {

const Node* Node::find(std::string_view child) const {
    if (kind != Kind::table) return nullptr;
    const auto found = std::find_if(children.begin(), children.end(), [&](const Node& c) { return c.key == child; });
    return found == children.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view child) { return const_cast<Node*>(std::as_const(*this).find(child)); }

Node& put(Node& table, Node value) {
    if (Node* old = table.find(value.key)) return *old = std::move(value);
    return table.children.emplace_back(std::move(value));
}

bool erase(Node& table, std::string_view key) {
    return std::erase_if(table.children, [&](const Node& child) { return child.key == key; }) > 0;
}

Node make_text(std::string key, std::string text, Place place) {
    return Node{Node::Kind::text, std::move(key), place, place, std::move(text), {}};
}

Node make_table(std::string key, Place place) {
    return Node{Node::Kind::table, std::move(key), place, place, nullptr, {}};
}

std::string described(const Node& node) {
    switch (node.kind) {
        case Node::Kind::boolean: return "the boolean " + toml_scalar(node.scalar);
        case Node::Kind::integer: return "the integer " + toml_scalar(node.scalar);
        case Node::Kind::number: return "the number " + toml_scalar(node.scalar);
        case Node::Kind::text: return "the text " + toml_scalar(node.scalar);
        case Node::Kind::date: return "the date or time " + node.scalar.get<std::string>();
        case Node::Kind::list: return "a list";
        case Node::Kind::table: return "a table";
    }
    return "a value";
}

}  // namespace marginalia::config
