// Lists of names, and help with those that are misspelt.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

template <class Words>
bool contains(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// The allowed word nearest to `word` by insertions, deletions, substitutions and swaps of neighbours; empty if none is
// near enough to be what was meant.
std::string nearest(std::string_view word, const std::vector<std::string>& allowed);

// "; did you mean 'X'? LABEL: a, b, c", or ". LABEL: a, b, c" if none is near: to be put after "unknown key 'Y'". Of
// more than twenty words, the five that are nearest.
std::string suggestion(std::string_view word, const std::vector<std::string>& allowed, std::string_view label);

// "a, b, c", or "a, b, c, d, e and 50 more", the nearest first.
std::string listed_by_nearness(std::string_view word, const std::vector<std::string>& allowed);

// "a, b, c"; "none" if empty.
std::string listed(const std::vector<std::string>& words);

}  // namespace marginalia
