#include <marginalia/lists.h>

#include <algorithm>
#include <charconv>

namespace marginalia {

std::string_view trim_blanks(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::optional<std::vector<std::int64_t>> whole_numbers(std::string_view text, std::int64_t least, std::int64_t most) {
    std::vector<std::int64_t> list;
    for (;;) {
        const std::size_t comma = text.find(',');
        const std::string_view word = trim_blanks(text.substr(0, comma));
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size() || value < least || value > most)
            return std::nullopt;
        list.push_back(value);
        if (comma == text.npos) return list;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace marginalia
