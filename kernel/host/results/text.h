// Text as a terminal shows it: widths of UTF-8, cutting, numbers and times for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// Columns that UTF-8 text takes on a terminal: 2 for wide East Asian characters and emoji, 0 for combining marks.
std::size_t display_width(std::string_view text);

// The text cut to `width` columns, its last one an ellipsis where something is missing.
std::string shorten(std::string_view text, std::size_t width);

// The text in lines of at most `width` columns, broken behind commas, else at blanks, else behind a mark such as '/',
// else anywhere; further lines stand as far in as the first. Of a text that takes very many lines the rest is left out.
std::vector<std::string> broken(std::string_view text, std::size_t width);

// Text broken at spaces into lines of at most `width` columns, each begun with `indent` spaces; paragraphs stay apart.
// Foreign text is made printable.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent = 0);

// What stdout can show.
struct Screen {
    std::size_t width = 0;  // COLUMNS, else the terminal's; 0: no limit, as for a pipe or a file
    bool colour = false;    // a terminal, and NO_COLOR is not set
};
Screen screen();

enum class Tone { plain, good, bad, warn, faint };
// The text in that tone by ANSI codes; as it is if `colour` is false.
std::string toned(std::string text, Tone tone, bool colour);

// A number with at most `digits` significant digits, "1.23e-5" for the very small and the very large, "∞", "-∞" and
// "NaN",
// "" for none.
std::string number_text(std::optional<double> value, int digits = 4);

// An exact value of the target, to six decimals.
std::string exact_text(double value);

// A mean with its standard error, rounded at the error's second digit: "0.0412 ± 0.0031". No error: the mean alone.
std::string estimate_text(double mean, std::optional<double> standard_error);

std::string duration_text(double seconds);         // "85 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"
std::string age_text(double seconds);              // "now", "40 s", "3 min", "5 h", "12 d"
std::string bytes_text(std::uint64_t bytes);       // "512 B", "1.2 MB"
std::string time_text(double seconds_since_1970);  // local time, "2026-03-01 14:05:09"

// "trial 7", "trials 7 and 8", "trials 1, 2, 3 and 9 more".
std::string trials_text(const std::vector<std::int64_t>& trials);

// "1 trial", "3 trials".
std::string count_text(std::size_t count, std::string_view noun);

}  // namespace marginalia
