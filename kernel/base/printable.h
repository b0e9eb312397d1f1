// Text from a store, a plugin or a file as a terminal may be given it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace marginalia {

inline constexpr std::size_t most_printed = 4000;  // bytes of one text that people are shown

// One line: control characters (line breaks and DEL among them), the C1 ones, what changes the direction of writing and
// bytes that are no UTF-8 stand as \n, \t, \x1b, \u202e. A text of more than `most` bytes is cut and says so. For
// people only: CSV and JSON keep their data as they are.
std::string printable(std::string_view text, std::size_t most = most_printed);

// The same, but that line breaks and tabs stay.
std::string printable_lines(std::string_view text, std::size_t most = most_printed);

// UTF-8 within the quotes of a TOML string, whose meaning stays: harmful characters as \u009b or \U000e0021.
std::string escaped_for_toml(std::string_view text);

// A word for a POSIX shell, in quotes where it needs them, that reads back as the text.
std::string shell_word(std::string_view text);

// A name for a file of ours that is made of foreign text: '/', blanks and control characters become '-', and it is not
// longer than 200 bytes.
std::string file_name_of(std::string_view text);

// A field of RFC 4180: quoted where it holds a comma, a quote or a line break.
std::string csv_field(std::string_view text);

// "Infinity", "-Infinity" and "NaN" as CSV and JSON have them; empty for a finite number.
std::string not_finite_name(double value);

}  // namespace marginalia
