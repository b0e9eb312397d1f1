// Pictures of states by a terminal's block characters.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <marginalia/states.h>

namespace marginalia {

class Blocks {
public:
    // nullopt where a state cannot be shown so: the layout has not two dimensions, or there are more than 5 symbols and
    // no colours. `unknowns`: states may be partial.
    static std::optional<Blocks> of(const Layout& layout, std::int64_t categories, bool colour, bool unknowns);

    std::size_t columns() const { return columns_ * (way_ == Way::shades ? 2 : 1); }  // that a picture takes

    // Lines of text, all of them `columns()` wide.
    std::vector<std::string> draw(State x) const;

private:
    enum class Way {
        colours,  // two pixels a character, the upper one above the lower one
        halves,   // the same without colours, for two symbols
        shades,   // a pixel is two characters wide
    };
    Blocks(Way way, const Layout& layout, std::int64_t categories);

    std::string coloured_line(State x, std::size_t row) const;
    std::string halved_line(State x, std::size_t row) const;
    std::string shaded_line(State x, std::size_t row) const;

    Way way_;
    std::size_t rows_, columns_;
    int categories_;
};

}  // namespace marginalia
