#include "molecule-properties/fragment_scores.h"

#include <marginalia/error.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

namespace molecule_properties {
namespace {

using marginalia::Error;

constexpr const char* debian = "/usr/share/RDKit/Contrib/SA_Score/fpscores.pkl.gz";
constexpr double unlisted = -4;

std::string unpacked(const std::string& path) {
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    std::string text;
    std::array<char, 1 << 16> piece;
    int read = file ? 0 : -1;
    while (file && (read = gzread(file.get(), piece.data(), piece.size())) > 0)
        text.append(piece.data(), static_cast<std::size_t>(read));
    if (read < 0)
        throw Error("the fragment scores " + path +
                    " cannot be read; set fragment_scores to RDKit's fpscores.pkl.gz (Debian: package rdkit-data)");
    return text;
}

template <typename Number>
bool read(std::string_view word, Number& number) {
    const auto result = std::from_chars(word.data(), word.data() + word.size(), number);
    return result.ec == std::errc() && result.ptr == word.data() + word.size();
}

}  // namespace

FragmentScores::FragmentScores(const std::string& path) {
    const std::string& name = path.empty() ? debian : path;
    const std::string text = unpacked(name);
    const bool pickle = text.starts_with("(lp");  // of protocol 0: an operation and its argument a line
    double score = 0;
    std::size_t line_number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line(text.data() + at, end - at);
        at = end + 1;
        ++line_number;
        std::uint32_t fragment = 0;
        bool good = true;
        if (pickle) {
            if (line.starts_with('a')) line.remove_prefix(1);
            if (line.starts_with('F')) good = read(line.substr(1), score);
            if (line.starts_with('I')) good = read(line.substr(1), fragment);
            if (good && !line.starts_with('I')) continue;
        } else {
            const std::size_t tab = line.find('\t');
            good = tab != line.npos && read(line.substr(0, tab), fragment) && read(line.substr(tab + 1), score);
        }
        if (!good)
            throw Error(name + ":" + std::to_string(line_number) +
                        ": this is neither RDKit's fpscores.pkl nor a line of a fragment, a tab and its score");
        sorted_.emplace_back(fragment, score);
    }
    if (sorted_.empty()) throw Error("the fragment scores " + name + " are empty; give RDKit's fpscores.pkl.gz");
    std::sort(sorted_.begin(), sorted_.end());
}

double FragmentScores::operator[](std::uint32_t fragment) const {
    const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), std::pair{fragment, -1e300});
    return found != sorted_.end() && found->first == fragment ? found->second : unlisted;
}

}  // namespace molecule_properties
