// The page, live: what `marginalia serve` does.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

namespace marginalia::serve {

struct Options {
    std::string address = "127.0.0.1";
    std::optional<int> port;           // none: the first free one from 8420 on; 0: any
    std::filesystem::path token_file;  // empty: a new token where the address is not loopback, else none
};

// Prints the page's address to `out`, answers until it is interrupted, and returns the exit code. Throws Error where it
// cannot listen, StoreError where the store cannot be read at the start.
int serve(const std::filesystem::path& store, const Options& options, std::ostream& out);

}  // namespace marginalia::serve
