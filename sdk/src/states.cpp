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

// Symbols of one line from the left.
class StateReader {
public:
    StateReader(std::string_view line, std::int64_t categories, std::span<const std::string> words,
                const Layout& layout)
        : rest_(line), categories_(categories), words_(words), shape_(layout.shape) {}

    void read(std::span<std::uint8_t> out) {
        while (!rest_.empty()) {
            const std::string_view end = rest_.substr(0, rest_.find_last_not_of(" \t") + 1);
            if ((end == "…" || end == "...") && found_ <= out.size()) {
                std::fill(out.begin() + static_cast<std::ptrdiff_t>(found_), out.end(),
                          static_cast<std::uint8_t>(categories_));
                return;
            }
            const int symbol = take();
            if (symbol < 0) continue;
            if (found_ < out.size()) out[found_] = static_cast<std::uint8_t>(symbol);
            ++found_, ++in_row_;
            after_comma_ = false;
        }
        if (found_ != out.size())
            throw Error("it has " + std::to_string(found_) + " symbols where a state has " +
                        std::to_string(out.size()) + " sites");
        if (after_comma_) throw Error("nothing follows the last comma; write □ or _ for an unknown symbol");
        if (divided_ && in_row_ > 0) end_row("the last row");  // which may have a divider behind it, as each other has
    }

private:
    // The symbol that comes next; -1: what divides symbols.
    int take() {
        std::size_t length = 0;
        int symbol = -1;
        for (std::size_t w = 0; w < words_.size(); ++w)
            if (words_[w].size() > length && rest_.starts_with(words_[w]))
                symbol = static_cast<int>(w), length = words_[w].size();
        if (length == 0 && words_.empty() && rest_[0] >= '0' && rest_[0] <= '9') symbol = number(length);
        if (length == 0 && rest_.starts_with(box)) symbol = static_cast<int>(categories_), length = box.size();
        if (length == 0 && rest_[0] == '_') symbol = static_cast<int>(categories_), length = 1;
        if (length == 0) length = divider();
        rest_.remove_prefix(length);
        return symbol;
    }

    // Up to ten categories every digit is a symbol; beyond, commas divide whole numbers.
    int number(std::size_t& length) {
        int symbol = -1;
        const char* const last = rest_.data() + (categories_ > 10 ? rest_.size() : 1);
        const auto [end, error] = std::from_chars(rest_.data(), last, symbol);
        length = static_cast<std::size_t>(end - rest_.data());
        if (error != std::errc() || symbol >= categories_)
            refuse("'" + std::string(rest_.substr(0, std::min<std::size_t>(length, 40))) + "'");
        return symbol;
    }

    // Length of what stands between two symbols.
    std::size_t divider() {
        if (rest_[0] == ' ' || rest_[0] == '\t') return 1;
        if (rest_[0] == ',') {
            if (after_comma_ || found_ == 0)
                throw Error("before the comma that follows symbol " + std::to_string(found_) +
                            " no symbol stands; write □ or _ for an unknown one");
            after_comma_ = true;
            return 1;
        }
        if (rest_[0] != '/' || shape_.size() < 2 || after_comma_) refuse(quoted_character(rest_));
        const std::size_t count = std::min(rest_.find_first_not_of('/'), rest_.size());
        if (count >= shape_.size())
            throw Error("behind symbol " + std::to_string(found_) + " stand more '/' than divide its rows");
        end_row("a row");
        for (std::size_t part = 1, axis = shape_.size(); axis-- > shape_.size() - count;) {
            part *= static_cast<std::size_t>(shape_[axis]);
            if (found_ % part != 0)
                throw Error("the '" + std::string(count, '/') + "' behind symbol " + std::to_string(found_) +
                            " stands within a layer");
        }
        divided_ = true;
        return count;
    }

    // Where rows are divided, each is whole: text for a lattice of another width is not read as this one's.
    void end_row(const char* which) {
        const auto width = static_cast<std::size_t>(shape_.back());
        if (in_row_ != width)
            throw Error(std::string(which) + ", which ends with symbol " + std::to_string(found_) + ", has " +
                        std::to_string(in_row_) + " symbols and not " + std::to_string(width) + "; divide rows of " +
                        std::to_string(width) + " by '/', or none");
        in_row_ = 0;
    }

    [[noreturn]] void refuse(const std::string& what) const {
        throw Error("symbol " + std::to_string(found_ + 1) + " is " + what + "; it must be " +
                    symbols_text(categories_, words_));
    }

    static constexpr std::string_view box = "□";

    std::string_view rest_;
    const std::int64_t categories_;
    const std::span<const std::string> words_;
    const std::vector<std::int64_t>& shape_;
    std::size_t found_ = 0, in_row_ = 0;  // symbols
    bool after_comma_ = false, divided_ = false;
};

}  // namespace

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
    if (words.empty()) list = "0 to " + std::to_string(categories - 1);
    else if (words.size() > most_listed) list = "one of the " + std::to_string(words.size()) + " words";
    else
        for (const std::string& word : words) list += (list.empty() ? "" : " ") + word;
    return list + ", or □ or _ (unknown)";
}

void parse_state(std::string_view line, std::int64_t categories, std::span<const std::string> words,
                 std::span<std::uint8_t> out, const Layout& layout) {
    StateReader(line, categories, words, layout).read(out);
}

void check_domain(std::string_view what, std::int64_t sites, std::int64_t categories) {
    if (sites < 1) throw Error(std::string(what) + " needs at least 1 site, not " + std::to_string(sites));
    if (categories < 2 || categories > 255)
        throw Error(std::string(what) + " needs 2 to 255 categories, not " + std::to_string(categories));
}

}  // namespace marginalia
