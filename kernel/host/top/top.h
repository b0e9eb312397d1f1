// `marginalia top`: the live view of a store's trials, in a terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace marginalia::top {

struct Options {
    std::string experiment;  // empty: all
    std::string metric;      // empty: the most telling
    std::int64_t every = 1;  // seconds between looks at the store
};

// Shows them until a key or a signal ends it, and returns the exit code. To be called in the main thread, before there
// are others. Throws Error and store::StoreError.
int watch(const std::filesystem::path& store, const Options& options);

}  // namespace marginalia::top
