#include "kernel/host/verbs/states_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "kernel/base/colours.h"

namespace marginalia {
namespace {

constexpr std::size_t most_states = 36, most_sites = 40'000, most_side = 1000;

struct KeptStates {
    std::size_t rows = 0, columns = 0;
    int categories = 2;
    std::vector<std::vector<int>> states;
};

// The store may be a stranger's.
std::optional<KeptStates> read_states(const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    KeptStates kept;
    try {
        const auto shape = json.at("shape").get<std::vector<std::size_t>>();
        if (shape.size() != 2 || std::max(shape[0], shape[1]) > most_side || shape[0] * shape[1] == 0) return {};
        kept.rows = shape[0], kept.columns = shape[1];
        kept.categories = std::clamp(json.at("categories").get<int>(), 2, 1 << 20);
        for (const nlohmann::json& state : json.at("states")) {
            kept.states.push_back(state.get<std::vector<int>>());
            if (kept.states.back().size() != kept.rows * kept.columns) return {};
            const std::size_t sites = (kept.states.size() + 1) * kept.rows * kept.columns;
            if (kept.states.size() == most_states || sites > most_sites) break;
        }
    } catch (const nlohmann::json::exception&) {
        return {};
    }
    if (kept.states.empty()) return {};
    return kept;
}

std::string rgb(Colour colour) { return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue); }

// Neighbours of one symbol are one rectangle.
void draw_state(const KeptStates& kept, const std::vector<int>& state, double left, double top, std::string& svg) {
    for (std::size_t row = 0; row < kept.rows; ++row)
        for (std::size_t from = 0, to = 0; from < kept.columns; from = to) {
            const int symbol = state[row * kept.columns + from];
            while (to < kept.columns && state[row * kept.columns + to] == symbol) ++to;
            fmt::format_to(std::back_inserter(svg), "<path d=\"M{} {}h{}v1h-{}z\" fill=\"{}\"/>\n",
                           left + static_cast<double>(from), top + static_cast<double>(row), to - from, to - from,
                           rgb(colour_of(std::clamp(symbol, 0, kept.categories), kept.categories)));
        }
}

}  // namespace

std::string states_drawing(const std::string& json) {
    const auto kept = read_states(json);
    if (!kept) return {};
    const auto count = static_cast<double>(kept->states.size());
    const double width = static_cast<double>(kept->columns), height = static_cast<double>(kept->rows);
    const double gutter = std::max(1.0, std::max(width, height) / 12);
    const double across = std::ceil(std::sqrt(count * 2)), down = std::ceil(count / across);
    const double whole = gutter + across * (width + gutter), tall = gutter + down * (height + gutter);
    constexpr double wished = 700;  // pixels
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{2}\" height=\"{3}\" viewBox=\"0 0 {0} {1}\" "
        "shape-rendering=\"crispEdges\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"{4}\"/>\n",
        whole, tall, wished, wished * tall / whole, rgb(gutter_colour));
    for (std::size_t i = 0; i < kept->states.size(); ++i) {
        const auto column = static_cast<double>(i % static_cast<std::size_t>(across));
        const auto row = static_cast<double>(i / static_cast<std::size_t>(across));
        draw_state(*kept, kept->states[i], gutter + column * (width + gutter), gutter + row * (height + gutter), svg);
    }
    return svg + "</svg>\n";
}

}  // namespace marginalia
