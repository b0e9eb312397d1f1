// Kinds of ASCII characters, whatever the locale.
#pragma once

namespace marginalia::molecules {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace marginalia::molecules
