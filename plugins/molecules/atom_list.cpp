#include <marginalia/characters.h>

#include <algorithm>
#include <charconv>

#include "plugins/molecules/characters.h"
#include "plugins/molecules/fragment.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr std::string_view list_blanks = " \t";

// "1-6, 9 12" from the left.
class ListReader {
public:
    ListReader(std::string_view list, std::int32_t atoms) : rest_(list), atoms_(atoms) {}

    std::vector<bool> read() {
        std::vector<bool> marks(static_cast<std::size_t>(atoms_));
        pass_blanks();
        do {
            const std::int32_t first = number("a number");
            pass_blanks();
            const std::int32_t last = take('-') ? number("the end of a range") : first;
            if (last < first) refuse("'" + std::to_string(first) + "-" + std::to_string(last) + "' runs backwards");
            for (std::int32_t atom = first; atom <= last; ++atom) marks[static_cast<std::size_t>(atom - 1)] = true;
            pass_blanks();
            if (take(',') && rest_.empty()) refuse("nothing follows the last comma");
        } while (!rest_.empty());
        return marks;
    }

private:
    void pass_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(list_blanks), rest_.size())); }

    // Blanks behind the character are passed over too.
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        pass_blanks();
        return true;
    }

    std::int32_t number(const char* what) {
        if (rest_.empty() || !is_digit(rest_[0]))
            refuse(std::string(what) + " should stand where " +
                   (rest_.empty() ? "it ends" : quoted_character(rest_) + " does"));
        std::int32_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        const std::string digits(rest_.data(), end);
        if (error != std::errc() || value < 1 || value > atoms_)
            refuse("there is no atom " + (digits.size() > 20 ? digits.substr(0, 20) + "..." : digits));
        rest_.remove_prefix(digits.size());
        if (!rest_.empty() && rest_.find_first_of(" \t,-") != 0)
            refuse(quoted_character(rest_) + " stands behind the " + digits);
        return value;
    }

    [[noreturn]] void refuse(const std::string& what) const {
        throw Error("the atoms to keep are not a list of numbers from 1 to " + std::to_string(atoms_) +
                    " such as 1-6,9: " + what);
    }

    std::string_view rest_;
    const std::int32_t atoms_;
};

}  // namespace

std::vector<bool> read_atom_list(std::string_view list, std::int32_t atoms) { return ListReader(list, atoms).read(); }

bool ends_in_atom_list(std::string_view line) {
    line = line.substr(0, line.find_last_not_of(list_blanks) + 1);
    const std::size_t begin = line.find_last_not_of("0123456789,- \t") + 1;
    const std::size_t blank = line.find_first_of(list_blanks, begin);
    return begin > 0 && blank < line.size() && line.find_first_of("0123456789", blank) < line.size();
}

bool begins_with_tokens(std::string_view line) {
    line = line.substr(0, line.find_first_of(list_blanks));
    for (bool any = false;; any = true) {
        std::size_t length = 0;
        for (const std::string_view sign : {"□", "_", "…", ".", ","})
            if (line.starts_with(sign)) length = sign.size();
        if (line.starts_with('[')) length = line.find(']') + 1;  // 0 where there is none
        if (length == 0) return any && line.empty();
        line.remove_prefix(length);
    }
}

void check_behind_tab(std::string_view line) {
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) return;
    std::string_view rest = line.substr(tab);
    rest.remove_prefix(std::min(rest.find_first_not_of(list_blanks), rest.size()));
    rest = rest.substr(0, rest.find_last_not_of(list_blanks) + 1);
    if (rest.empty()) return;
    try {
        parse_smiles(rest);
    } catch (const MoleculeError&) {
        throw Error("'" + std::string(rest.substr(0, 40)) +
                    "' stands behind the row, where only the SMILES of its molecule may; a row's tokens "
                    "are kept as they are, □ for those to be drawn, and atoms to keep are listed behind a SMILES of "
                    "SELFIES' models");
    }
}

}  // namespace marginalia::molecules
