#include <marginalia/characters.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace marginalia {
namespace {

constexpr std::uint32_t no_character = 0xFFFFFFFF;

struct Named {
    std::uint32_t first, last;
    bool seen;  // whether it shows as a sign of its own
    const char* name;
};

// What is pasted in place of a blank, a digit or a minus.
constexpr Named names[] = {
    {0x09, 0x09, false, "a tab"},
    {0x0A, 0x0A, false, "a line feed"},
    {0x0D, 0x0D, false, "a carriage return"},
    {0x00, 0x1F, false, "a control character"},
    {0x7F, 0x9F, false, "a control character"},
    {0xA0, 0xA0, false, "a no-break space"},
    {0xAD, 0xAD, false, "a soft hyphen"},
    {0x370, 0x52F, true, "a Greek or Cyrillic letter"},
    {0x660, 0x669, true, "an Arabic digit"},
    {0x966, 0x96F, true, "a Devanagari digit"},
    {0x2000, 0x200A, false, "a space"},
    {0x200B, 0x200F, false, "an invisible character"},
    {0x2010, 0x2011, true, "a hyphen"},
    {0x2012, 0x2015, true, "a dash"},
    {0x2028, 0x202E, false, "an invisible character"},
    {0x202F, 0x202F, false, "a no-break space"},
    {0x205F, 0x206F, false, "an invisible character"},
    {0x2212, 0x2212, true, "a minus sign"},
    {0x3000, 0x3000, false, "a wide space"},
    {0xFEFF, 0xFEFF, false, "a byte order mark"},
    {0xFF01, 0xFF5E, true, "a wide character"},
};

// The number of the character that is all of `bytes`.
std::uint32_t number_of(std::string_view bytes) {
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t length = byte(0) < 0x80       ? 1
                               : byte(0) >> 5 == 6  ? 2
                               : byte(0) >> 4 == 14 ? 3
                               : byte(0) >> 3 == 30 ? 4
                                                    : 0;
    if (length == 0 || length != bytes.size()) return no_character;
    std::uint32_t number = length == 1 ? byte(0) : byte(0) & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) number = number << 6 | (byte(i) & 0x3F);
    const bool surrogate = number >= 0xD800 && number <= 0xDFFF;
    return number < least[length] || number > 0x10FFFF || surrogate ? no_character : number;
}

std::string hexadecimal(const char* form, std::uint32_t number) {
    char text[16];
    std::snprintf(text, sizeof text, form, static_cast<unsigned>(number));
    return text;
}

}  // namespace

std::string first_character(std::string_view text) {
    std::size_t end = 1;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
    return std::string(text.substr(0, end));
}

std::string quoted_character(std::string_view text) {
    if (text.empty()) return "its end";
    const std::string character = first_character(text);
    const std::uint32_t number = number_of(character);
    if (number == no_character) return hexadecimal("the byte 0x%02X", static_cast<unsigned char>(text[0]));
    const auto named = std::find_if(std::begin(names), std::end(names),
                                    [&](const Named& n) { return number >= n.first && number <= n.last; });
    const std::string code = hexadecimal("U+%04X", number);
    if (named == std::end(names)) return "'" + character + "'";
    return named->seen ? "'" + character + "' (" + code + ", " + named->name + ")" : code + " (" + named->name + ")";
}

}  // namespace marginalia
