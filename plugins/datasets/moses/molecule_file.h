// Molecules of a text file as rows of numbered tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace marginalia {

enum class Tokens {
    smiles,   // every character of a SMILES is a token
    selfies,  // every [word] of a SELFIES is one, and the dot between molecules
};

// Tokens, numbered from 0 as they come; at most 255 of them.
class TokenNumbers {
public:
    static constexpr std::size_t most = 255;

    TokenNumbers() { of_byte_.fill(-1); }

    // The token's number, a new one if it has none; -1 where a new one would be too many.
    int number_of(std::string_view token);
    int find(std::string_view token) const;  // the same, and -1 for a token that has none
    const std::vector<std::string>& words() const { return words_; }

private:
    std::array<int, 256> of_byte_;  // tokens of one byte
    std::unordered_map<std::string, int> of_word_;
    std::vector<std::string> words_;
};

// The molecules of one file in its order.
struct MoleculeFile {
    std::string path;
    std::size_t first_line = 1;           // of the first molecule; one is on each line from there
    std::vector<std::uint8_t> numbers;    // tokens of all molecules, one after another
    std::vector<std::size_t> ends = {0};  // molecule i has the tokens ends[i] to ends[i + 1]

    std::size_t size() const { return ends.size() - 1; }
    std::span<const std::uint8_t> operator[](std::size_t molecule) const {
        return std::span(numbers).subspan(ends[molecule], ends[molecule + 1] - ends[molecule]);
    }
    std::string place(std::size_t molecule) const { return path + ":" + std::to_string(first_line + molecule) + ":"; }
};

// Reads a file of a molecule a line, up to the first comma, blank or tab; a first line that says SMILES or SELFIES is a
// header. New tokens are added to `known`. Throws Error "FILE:LINE:COLUMN: sentence" where a line is no molecule of
// that kind (valences are not looked at).
MoleculeFile read_molecules(const std::string& name, Tokens tokens, TokenNumbers& known);

}  // namespace marginalia
