#include "edge_list.h"

#include <marginalia/text_reader.h>

#include <algorithm>
#include <unordered_set>

namespace qubo {
namespace {

using marginalia::TextReader;

constexpr std::int64_t most_vertices = 1000000, most_edges = 100000000;

Edge read_edge(TextReader& reader, std::int64_t vertices, const std::string& name) {
    const auto a = reader.integer("the first vertex of " + name, 1, vertices);
    if (reader.at_new_line())
        reader.fail(name + " has one vertex only; an edge is a line of two vertices and a weight");
    const auto b = reader.integer("the second vertex of " + name, 1, vertices);
    return {static_cast<std::uint32_t>(a - 1), static_cast<std::uint32_t>(b - 1), 1};
}

}  // namespace

EdgeList read_edge_list(const std::string& path, bool diagonal) {
    TextReader reader(path, "", '#');
    EdgeList list;
    list.vertices = reader.integer("the number of vertices", 1, most_vertices);
    const std::int64_t count = reader.integer("the number of edges", 0, most_edges);
    std::unordered_set<std::uint64_t> seen;
    for (std::int64_t i = 1; i <= count; ++i) {
        const std::string name = "edge " + std::to_string(i) + " of " + std::to_string(count);
        Edge edge = read_edge(reader, list.vertices, name);
        const auto [low, high] = std::minmax(edge.a, edge.b);
        const std::string pair = std::to_string(edge.a + 1) + " " + std::to_string(edge.b + 1);
        if (low == high && !diagonal)
            reader.fail(name + " joins vertex " + std::to_string(low + 1) +
                        " to itself, which is in no cut; leave it out, or set problem = \"qubo\"");
        if (!seen.insert(std::uint64_t{low} << 32 | high).second)
            reader.fail(name + ", " + pair + ", was given before; give each pair once, in one order");
        if (!reader.at_new_line() && !reader.at_end()) edge.weight = reader.number("the weight of " + name);
        if (!reader.at_new_line() && !reader.at_end()) {
            const std::string word(reader.word("the end of the line").substr(0, 40));
            reader.fail("'" + word + "' is left over after " + name +
                        "; an edge is a line of two vertices and a weight");
        }
        list.edges.push_back(edge);
    }
    if (!reader.at_end()) {
        reader.word("the end");
        reader.fail("there are more lines than the " + std::to_string(count) +
                    " edges that the first line counts; correct one or the other");
    }
    return list;
}

}  // namespace qubo
