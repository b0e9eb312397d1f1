// What a trial's process printed, as lines of a screen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace marginalia::top {

// Harmless lines of at most `width` columns; long ones go on in the next. Of a line that was written over (a progress
// bar's carriage returns) the last state remains.
std::vector<std::string> log_lines(std::string_view text, std::size_t width);

// Those before the last `back`, at most so many. `back` becomes what there are at most.
std::vector<std::string> window_of(std::vector<std::string> lines, std::size_t most, std::size_t& back);

}  // namespace marginalia::top
