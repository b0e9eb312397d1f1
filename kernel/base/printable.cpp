#include "kernel/base/printable.h"

#include <array>
#include <cmath>

namespace marginalia {
namespace {

struct Character {
    char32_t point = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

constexpr char32_t last_point = 0x10FFFF;

bool continues(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// Reads one character as RFC 3629 has it: no overlong forms, no surrogates.
Character character_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) return {};
    char32_t point = lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if (!continues(text, at + i)) return {};
        point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
    }
    constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    return point < least[size] || point > last_point || surrogate ? Character{} : Character{point, size, true};
}

// What a terminal obeys or a reader cannot see: controls, marks of direction, separators, fillers, tags.
bool is_harmful(char32_t point) {
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0xAD || point == 0x61C ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF || (point >= 0xFFF9 && point <= 0xFFFB) ||
           (point >= 0xE0000 && point <= 0xE0FFF);
}

std::string hex(char32_t value, int digits) {
    std::string text;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
    return text;
}

std::string escaped(char32_t point) {
    if (point == '\n') return "\\n";
    if (point == '\t') return "\\t";
    if (point == '\r') return "\\r";
    if (point < 0x100) return "\\x" + hex(point, 2);
    return point < 0x10000 ? "\\u" + hex(point, 4) : "\\U" + hex(point, 8);
}

// The end of the last whole character within the first `most` bytes.
std::size_t cut_at(std::string_view text, std::size_t most) {
    std::size_t end = most;
    for (int back = 0; back < 3 && end > 0 && continues(text, end); ++back) --end;
    return end;
}

std::string harmless(std::string_view text, std::size_t most, bool keeps_lines) {
    const std::string_view shown = text.size() > most ? text.substr(0, cut_at(text, most)) : text;
    std::string out;
    out.reserve(shown.size());
    for (std::size_t at = 0; at < shown.size();) {
        const Character c = character_at(shown, at);
        if (!c.valid) out += "\\x" + hex(static_cast<unsigned char>(shown[at]), 2);
        else if (is_harmful(c.point) && !(keeps_lines && (c.point == '\n' || c.point == '\t'))) out += escaped(c.point);
        else out += shown.substr(at, c.bytes);
        at += c.bytes;
    }
    if (shown.size() < text.size()) out += "… (" + std::to_string(text.size() - shown.size()) + " more bytes)";
    return out;
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) { return harmless(text, most, false); }

std::string printable_lines(std::string_view text, std::size_t most) { return harmless(text, most, true); }

std::string escaped_for_toml(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Character c = character_at(text, at);
        if (!c.valid || !is_harmful(c.point)) out += text.substr(at, c.bytes);
        else out += c.point < 0x10000 ? "\\u" + hex(c.point, 4) : "\\U" + hex(c.point, 8);
        at += c.bytes;
    }
    return out;
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    const bool is_plain = !text.empty() && text.find_first_not_of(plain) == text.npos;
    if (is_plain) return std::string(text);
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

std::string file_name_of(std::string_view text) {
    constexpr std::size_t most = 200;
    if (text.size() > most) text = text.substr(0, cut_at(text, most));
    std::string name;
    for (std::size_t at = 0; at < text.size();) {
        const Character c = character_at(text, at);
        const bool fits = c.valid && !is_harmful(c.point) && c.point != '/' && c.point != ' ';
        name += fits ? std::string(text.substr(at, c.bytes)) : "-";
        at += c.bytes;
    }
    return name;
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + '"';
}

std::string not_finite_name(double value) {
    if (std::isfinite(value)) return {};
    return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

}  // namespace marginalia
