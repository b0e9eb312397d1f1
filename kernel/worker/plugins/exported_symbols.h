// The names that a shared library exports, read from its file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// Those that begin with `stem`, as dlsym would find them, whether the library is stripped or not; nothing of it runs.
// Every number in the file is checked before use. Throws Error("not a shared library") where it is none for this
// machine.
std::vector<std::string> exported_symbols(const std::filesystem::path& file, std::string_view stem);

}  // namespace marginalia
