#include "kernel/host/serve/question.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/lists.h>

#include <limits>

#include "kernel/base/printable.h"

namespace marginalia::serve {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decoded(std::string_view text, bool plus_is_blank) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) throw Error("the address has a % that two hexadecimal digits do not follow");
            out += static_cast<char>(16 * high + low);
            i += 2;
        } else {
            out += text[i] == '+' && plus_is_blank ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace

Question::Question(std::string_view target) {
    const std::size_t mark = target.find('?');
    path_ = decoded(target.substr(0, mark), false);
    std::string_view rest = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        values_.emplace(decoded(pair.substr(0, equals), true),
                        decoded(pair.substr(std::min(equals + 1, pair.size())), true));
    }
}

std::string Question::text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
}

std::string Question::needed_text(const std::string& name) const {
    std::string value = text(name);
    if (value.empty()) throw Error(fmt::format("{} needs ?{}=", printable(path_), name));
    return value;
}

std::vector<std::int64_t> Question::numbers(const std::string& name, std::size_t most) const {
    const std::string list = needed_text(name);
    const auto numbers = whole_numbers(list, 1, std::numeric_limits<std::int64_t>::max());
    if (!numbers) throw Error(fmt::format("{}={} is not a list of numbers like 1,2,3", name, printable(list)));
    if (numbers->size() > most)
        throw Error(fmt::format("{} has {} numbers; ask for at most {} at once", name, numbers->size(), most));
    return *numbers;
}

std::optional<std::int64_t> Question::number(const std::string& name, std::int64_t least, std::int64_t most) const {
    if (!has(name)) return std::nullopt;
    const auto numbers = whole_numbers(text(name), least, most);
    if (!numbers || numbers->size() != 1)
        throw Error(fmt::format("{}={} is not a whole number from {} to {}", name, printable(text(name)), least, most));
    return numbers->front();
}

}  // namespace marginalia::serve
