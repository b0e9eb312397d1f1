#include <marginalia/files.h>
#include <marginalia/states.h>

#include <algorithm>
#include <charconv>

namespace marginalia {
namespace {

// More than one character of UTF-8.
bool is_long_word(std::string_view word) {
    int characters = 0;
    for (const char byte : word) characters += (byte & 0xC0) != 0x80;
    return characters > 1;
}

}  // namespace

std::string first_character(std::string_view text) {
    std::size_t end = 1;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
    return std::string(text.substr(0, end));
}

std::string state_text(State x, std::int64_t categories, std::span<const std::string> words) {
    bool commas = words.empty() && categories > 10;
    for (const std::string& word : words) commas = commas || is_long_word(word);
    std::string line;
    for (std::size_t d = 0; d < x.size(); ++d) {
        if (commas && d > 0) line += ',';
        line += x[d] >= categories ? "□" : words.empty() ? std::to_string(x[d]) : words[x[d]];
    }
    return line;
}

std::string symbols_text(std::int64_t categories, std::span<const std::string> words) {
    constexpr std::size_t most_listed = 40;
    std::string list;
    if (words.empty())
        list = "0 to " + std::to_string(categories - 1);
    else if (words.size() > most_listed)
        list = "one of the " + std::to_string(words.size()) + " words";
    else
        for (const std::string& word : words) list += (list.empty() ? "" : " ") + word;
    return list + ", or □ or _ (unknown)";
}

void parse_state(std::string_view line, std::int64_t categories, std::span<const std::string> words,
                 std::span<std::uint8_t> out) {
    constexpr std::string_view box = "□";
    std::size_t found = 0, at = 0;
    const auto refuse = [&](const std::string& what) {
        throw Error("symbol " + std::to_string(found + 1) + " is '" + what + "'; it must be " +
                    symbols_text(categories, words));
    };
    while (at < line.size()) {
        const std::string_view rest = line.substr(at);
        if ((rest == "…" || rest == "...") && found <= out.size()) {
            std::fill(out.begin() + static_cast<std::ptrdiff_t>(found), out.end(), static_cast<std::uint8_t>(categories));
            return;
        }
        std::size_t length = 0;
        int symbol = -1;
        for (std::size_t w = 0; w < words.size(); ++w)
            if (words[w].size() > length && rest.starts_with(words[w]))
                symbol = static_cast<int>(w), length = words[w].size();
        if (length == 0 && words.empty() && rest[0] >= '0' && rest[0] <= '9') {
            // Up to ten categories every digit is a symbol; beyond, commas divide whole numbers.
            const auto [end, error] =
                std::from_chars(rest.data(), rest.data() + (categories > 10 ? rest.size() : 1), symbol);
            length = static_cast<std::size_t>(end - rest.data());
            if (error != std::errc() || symbol >= categories) refuse(visible(rest.substr(0, length)));
        }
        if (length == 0 && rest.starts_with(box)) symbol = static_cast<int>(categories), length = box.size();
        if (length == 0 && rest[0] == '_') symbol = static_cast<int>(categories), length = 1;
        if (length == 0 && (rest[0] == ',' || rest[0] == ' ' || rest[0] == '\t')) {
            ++at;
            continue;
        }
        if (length == 0) refuse(visible(first_character(rest)));
        if (found < out.size()) out[found] = static_cast<std::uint8_t>(symbol);
        ++found;
        at += length;
    }
    if (found != out.size())
        throw Error("it has " + std::to_string(found) + " symbols where a state has " + std::to_string(out.size()) +
                    " sites");
}

void check_domain(std::string_view what, std::int64_t sites, std::int64_t categories) {
    if (sites < 1) throw Error(std::string(what) + " needs at least 1 site, not " + std::to_string(sites));
    if (categories < 2 || categories > 255)
        throw Error(std::string(what) + " needs 2 to 255 categories, not " + std::to_string(categories));
}

}  // namespace marginalia
