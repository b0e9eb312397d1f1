// Lists of numbers in the text of one parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace marginalia {

// "28, 28": whole numbers from `least` to `most` divided by single commas, with blanks or tabs around them. nullopt: it
// is anything else, or empty; the caller, who knows the parameter's name, says so.
std::optional<std::vector<std::int64_t>> whole_numbers(std::string_view text, std::int64_t least, std::int64_t most);

// The text without blanks and tabs at its ends.
std::string_view trim_blanks(std::string_view text);

}  // namespace marginalia
