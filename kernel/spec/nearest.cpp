#include "kernel/spec/nearest.h"

#include <algorithm>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

// Edit distance with swaps of neighbours counted once ("optimal string alignment"), over three rows of its table.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last), last.swap(row);
    }
    return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& allowed) {
    std::string best;
    std::size_t least = std::max<std::size_t>(1, std::min<std::size_t>(3, word.size() / 3)) + 1;
    for (const std::string& candidate : allowed)
        if (const std::size_t d = distance(word, candidate); d < least) least = d, best = candidate;
    if (!best.empty() || word.size() < 3) return best;
    // An abbreviation is no misspelling, but it shows what was meant.
    const auto longer =
        std::find_if(allowed.begin(), allowed.end(), [&](const std::string& w) { return w.starts_with(word); });
    return longer == allowed.end() ? "" : *longer;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& allowed, std::string_view label) {
    const std::string meant = nearest(word, allowed);
    return (meant.empty() ? ". " : "; did you mean '" + printable(meant) + "'? ") + std::string(label) + ": " +
           listed_by_nearness(word, allowed);
}

std::string listed_by_nearness(std::string_view word, const std::vector<std::string>& allowed) {
    constexpr std::size_t most = 20, nearest = 5;
    if (allowed.size() <= most) return listed(allowed);
    std::vector<std::pair<std::size_t, const std::string*>> ranked;
    for (const std::string& candidate : allowed)
        ranked.emplace_back(candidate.starts_with(word) ? 0 : distance(word, candidate), &candidate);
    std::ranges::stable_sort(ranked, {}, &std::pair<std::size_t, const std::string*>::first);
    std::vector<std::string> first;
    for (std::size_t i = 0; i < nearest; ++i) first.push_back(*ranked[i].second);
    return listed(first) + " and " + std::to_string(allowed.size() - nearest) + " more";
}

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + printable(word);
    return text.empty() ? "none" : text;
}

}  // namespace marginalia
