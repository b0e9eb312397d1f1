// Scores of molecular fragments, as the synthetic accessibility score adds them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace molecule_properties {

class FragmentScores {
public:
    // Reads RDKit's fpscores.pkl.gz (a Python pickle of lists of a score and its fragments) or lines "fragment TAB
    // score", both packed by gzip or not; empty: where Debian's rdkit-data puts it. Throws Error.
    explicit FragmentScores(const std::string& path);

    // Of a fragment, numbered as RDKit's unfolded Morgan fingerprint numbers it; -4 where it is not listed.
    double operator[](std::uint32_t fragment) const;

private:
    std::vector<std::pair<std::uint32_t, double>> sorted_;
};

}  // namespace molecule_properties
