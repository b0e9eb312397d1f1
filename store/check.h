// What `doctor` finds in a store: whether it is whole, and what to do where it is not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

struct Finding {
    enum class Weight { good, note, damage };
    Weight weight = Weight::good;
    std::string about;  // in a word or two: "pages"
    std::string words;  // a sentence, with what to do where there is something to do
};

// Looks at the file, at where it lies and at what lies beside it, and only reads. Whatever the file holds, nothing is
// thrown: what cannot be read is a finding. Reads all pages; ten million points take some seconds. One thread.
std::vector<Finding> examine(const std::filesystem::path& file);

// The damage alone, of a store that is open: to its pages or, where these are whole, to its tables and rows. A few
// words each; empty: none.
std::vector<std::string> find_damage(Store&);

}  // namespace marginalia::store
