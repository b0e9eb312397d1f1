// Characters of a text as messages name them.
#pragma once

#include <string>
#include <string_view>

namespace marginalia {

// The first character of UTF-8 of a text that is not empty.
std::string first_character(std::string_view text);

// The first character of a text as a message may show it: 'x'; with its number where it is easily taken for another or
// not seen at all, "'−' (U+2212, a minus sign)", "U+00A0 (a no-break space)"; "the byte 0xFF" where it is no UTF-8;
// "its end" of an empty text.
std::string quoted_character(std::string_view text);

}  // namespace marginalia
