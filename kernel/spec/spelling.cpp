#include "kernel/spec/spelling.h"

#include <algorithm>

namespace marginalia::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
    std::string small(text);
    for (char& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return small;
}

// TOML's spelling of a decimal number, which wants digits on both sides of the point and no zeros in front; "" for what
// is none.
std::string toml_number(std::string_view text) {
    std::string sign;
    if (text.starts_with('-') || text.starts_with('+')) {
        if (text[0] == '-') sign = "-";
        text.remove_prefix(1);
    }
    const auto digits = [&text] {
        const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
        std::string found(text.substr(0, count));
        text.remove_prefix(count);
        return found;
    };
    std::string whole = digits(), fraction, exponent;
    const bool point = text.starts_with('.');
    if (point) {
        text.remove_prefix(1);
        fraction = digits();
    }
    if (whole.empty() && fraction.empty()) return "";
    if (text.starts_with('e') || text.starts_with('E') || text.starts_with('d') || text.starts_with('D')) {
        text.remove_prefix(1);
        exponent = "e";
        if (text.starts_with('-') || text.starts_with('+')) exponent += text[0], text.remove_prefix(1);
        const std::string size = digits();
        if (size.empty()) return "";
        exponent += size;
    }
    if (text == "f" || text == "F") text = {};
    if (!text.empty()) return "";
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    return sign + (whole.empty() ? "0" : whole) + (point ? "." + (fraction.empty() ? "0" : fraction) : "") + exponent;
}

}  // namespace

std::string spelling_remedy(std::string_view value) {
    if (value.starts_with('[')) {  // the first that is wrong in a list
        for (std::size_t at = 1; at < value.size();) {
            const std::size_t begin = value.find_first_not_of(" ,[]", at),
                              end = std::min(value.find_first_of(" ,[]", begin), value.size());
            if (begin == value.npos) break;
            if (const std::string remedy = spelling_remedy(value.substr(begin, end - begin)); !remedy.empty())
                return remedy;
            at = end;
        }
        return "";
    }
    const std::string small = lower(value);
    for (const char* word : {"true", "yes", "on"})
        if (small == word) return "; write true";
    for (const char* word : {"false", "no", "off"})
        if (small == word) return "; write false";
    for (const char* word : {"None", "null", "NULL", "Null", "nil", "NA", "N/A"})  // not none, which is a plugin's name
        if (value == word) return "; TOML has no such value: leave the key out, and it has its default";
    const std::string unsigned_word = small.starts_with('-') || small.starts_with('+') ? small.substr(1) : small;
    for (const char* word : {"inf", "infinity", "nan", ".inf", ".nan"})
        if (unsigned_word == word) return "; give a finite number";
    if (value.empty() || !std::any_of(value.begin(), value.end(), is_digit)) return "";
    const std::string number = toml_number(value);
    return number.empty() || number == value ? "" : "; write " + number;
}

}  // namespace marginalia::config
