#include "kernel/host/run/torch_library.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include "kernel/base/child_process.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// What a worker links.
constexpr const char* library_name = "libtorch_cpu.so";
constexpr const char* lower_library_name = "libc10.so";

constexpr std::size_t most_version_bytes = 4096;  // of a file that says a version

// Without the working directory, which -c would search first and which anybody may have filled.
constexpr const char* where_torch_is = R"(import sys
sys.path[:] = [folder for folder in sys.path if folder]
import importlib.util, os
found = importlib.util.find_spec('torch')
if found and found.submodule_search_locations:
    sys.stdout.buffer.write(os.fsencode(list(found.submodule_search_locations)[0])))";

std::string package_of_python() { return output_of({"python3", "-c", where_torch_is}).value_or(""); }

bool is_file(const fs::path& file) {
    std::error_code none;
    return fs::is_regular_file(file, none);
}

bool has_libraries(const fs::path& folder) {
    return is_file(folder / library_name) && is_file(folder / lower_library_name);
}

std::string beginning_of(const fs::path& file) {
    std::string text;
    if (!is_file(file)) return text;
    text.resize(most_version_bytes);
    std::ifstream stream(file, std::ios::binary);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

// "2.13.0" of `2.13.0+cpu`, by what a wheel (version.py) or an archive (build-version) says; "" where neither is
// there: then the worker asks LibTorch itself, once it has loaded it.
std::string version_of(const fs::path& torch) {
    constexpr std::string_view key = "__version__";
    const std::string python = beginning_of(torch / "version.py");
    const std::size_t value = python.find(std::string(key) + " ");
    const std::string text = value == std::string::npos ? beginning_of(torch / "build-version") : python.substr(value);
    const std::size_t begin = text.find_first_of("0123456789");
    if (begin == std::string::npos) return {};
    return text.substr(begin, text.find_first_not_of("0123456789.", begin) - begin);
}

struct Found {
    fs::path libraries;
    std::string version;
};

// In a folder as a wheel or an archive has it, or in its lib/.
std::optional<Found> look_in(const fs::path& folder) {
    std::error_code failure;
    const fs::path whole = fs::canonical(folder, failure);
    if (folder.empty() || failure) return std::nullopt;
    if (has_libraries(whole / "lib")) return Found{whole / "lib", version_of(whole)};
    if (has_libraries(whole)) return Found{whole, version_of(whole.parent_path())};
    return std::nullopt;
}

bool names_one(const std::string& list) {
    std::istringstream words(list);
    for (std::string folder; std::getline(words, folder, ':');)
        if (!folder.empty() && has_libraries(folder)) return true;
    return false;
}

// The package torch of each Python of an environment.
std::vector<fs::path> packages_of(const fs::path& environment) {
    std::vector<fs::path> packages;
    std::error_code failure;
    for (fs::directory_iterator entry(environment / "lib", failure), end; !failure && entry != end;
         entry.increment(failure))
        if (entry->path().filename().string().starts_with("python3"))
            packages.push_back(entry->path() / "site-packages" / "torch");
    std::ranges::sort(packages);
    return packages;
}

fs::path chosen(const std::string& given, const std::string& version) {
    const auto found = look_in(given);
    if (!found)
        throw Error(
            fmt::format("MARGINALIA_TORCH is {}, which has no lib/{}; give the folder of a LibTorch {}, such "
                        "as site-packages/torch of a Python environment",
                        given, library_name, version));
    if (!found->version.empty() && !version.empty() && found->version != version)
        throw Error(
            fmt::format("MARGINALIA_TORCH is {}, whose LibTorch is {}; this marginalia was built with {}, so "
                        "give the folder of a LibTorch {} (`pip install torch=={}`)",
                        given, found->version, version, version, version));
    return found->libraries;
}

// Where nobody has chosen: the first of the right version, and what of others was met on the way.
class Places {
public:
    explicit Places(const TorchSearch& search) : search_(search) {}

    std::optional<fs::path> first() {
        if (const auto found = take(search_.prefix / "lib" / "torch")) return found;
        if (const auto found = take(search_.built.libraries)) return found;
        for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
            const std::string environment = search_.variable(name);
            if (environment.empty()) continue;
            for (const fs::path& package : packages_of(environment))
                if (const auto found = take(package)) return found;
        }
        return take(search_.python_package());
    }

    [[noreturn]] void refuse() const {
        const std::string& version = search_.built.version;
        const std::string built = search_.built.libraries.string();
        std::string others;
        for (const Found& other : others_)
            others += fmt::format("{}{} in {}", others.empty() ? " (there is " : ", ", other.version,
                                  other.libraries.string());
        throw Error(fmt::format(
            "there is no LibTorch {0} in {1}{2}, in an active Python environment or by python3{3}; `pip install "
            "torch=={0}` in an environment that you activate, or set MARGINALIA_TORCH to the folder of a LibTorch {0}"
            "{4}",
            version, (search_.prefix / "lib" / "torch").string(), built.empty() ? "" : ", in " + built,
            others.empty() ? "" : others + ")", built.empty() ? "" : ", or build again (`make`)"));
    }

private:
    std::optional<fs::path> take(const fs::path& folder) {
        const auto found = look_in(folder);
        if (!found) return std::nullopt;
        if (found->version.empty() || found->version == search_.built.version) return found->libraries;
        others_.push_back(*found);
        return std::nullopt;
    }

    const TorchSearch& search_;
    std::vector<Found> others_;
};

}  // namespace

BuiltTorch built_torch(const fs::path& prefix) {
    BuiltTorch built;
    for (const char* library : {"lib", MARGINALIA_LIBRARY_DIR}) {
        std::istringstream lines(beginning_of(prefix / library / "marginalia" / "libtorch"));
        if (!std::getline(lines, built.version)) continue;
        if (std::string folder; std::getline(lines, folder)) built.libraries = folder;
        break;
    }
    return built;
}

fs::path torch_libraries(const TorchSearch& search) {
    if (const std::string given = search.variable("MARGINALIA_TORCH"); !given.empty())
        return chosen(given, search.built.version);
    if (search.built.version.empty() || names_one(search.variable("LD_LIBRARY_PATH"))) return {};
    Places places(search);
    if (const auto found = places.first()) return *found;
    places.refuse();
}

fs::path torch_libraries(const fs::path& worker) {
    const fs::path prefix = fs::absolute(worker).parent_path().parent_path();
    const auto variable = [](const std::string& name) {
        const char* value = std::getenv(name.c_str());
        return std::string(value ? value : "");
    };
    return torch_libraries({built_torch(prefix), prefix, variable, package_of_python});
}

}  // namespace marginalia
