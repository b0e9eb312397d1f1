// Text set into so many columns, and in ASCII.
#pragma once

#include <string>
#include <string_view>

namespace marginalia {

// The text set to the right or the left of `width` columns; cut with an ellipsis where it is longer.
std::string to_right(std::string_view text, std::size_t width);
std::string to_left(std::string_view text, std::size_t width);

// One character for each that ASCII lacks, for terminals without UTF-8.
std::string to_ascii(std::string_view text);

}  // namespace marginalia
