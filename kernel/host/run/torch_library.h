// Where LibTorch lies, which workers link and the host does not.
//
// A program that was installed may find the LibTorch that it was built with gone, and one from a package never had it
// on this machine. So the host looks for it before it starts a worker, which then gets its folder by LD_LIBRARY_PATH.
// It looks at paths and runs nothing but, last of all, the user's own python3, which says where a package lies and
// imports nothing.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace marginalia {

// What a build says of its LibTorch, in the file lib/marginalia/libtorch beside its bin/: the version, and on a second
// line, which packages leave out, the folder of the libraries that it was linked with.
struct BuiltTorch {
    std::string version;              // "2.13.0"; "" where there is no such file: the worker is left to itself
    std::filesystem::path libraries;  // "" in packages
};

BuiltTorch built_torch(const std::filesystem::path& prefix);

// All that a search depends on, so that tests can pretend it.
struct TorchSearch {
    BuiltTorch built;
    std::filesystem::path prefix;                             // PREFIX of PREFIX/bin/marginalia-worker
    std::function<std::string(const std::string&)> variable;  // of the environment; "" where it is not set
    std::function<std::string()> python_package;              // the folder of python3's package torch; "": it has none
};

// The folder of a LibTorch of the version that was built with; "" where nothing is to be done, as LD_LIBRARY_PATH
// names one already or the version is not known. In order of search: MARGINALIA_TORCH, lib/torch beside the program,
// the one that was built with, the active Python environment (VIRTUAL_ENV, CONDA_PREFIX), python3 of PATH.
// Throws Error where there is none, or MARGINALIA_TORCH names what is none.
std::filesystem::path torch_libraries(const TorchSearch& search);

// The same for a worker program, in the environment of this process. May be called from any thread.
std::filesystem::path torch_libraries(const std::filesystem::path& worker);

}  // namespace marginalia
