#include "kernel/worker/plugins/plugin_host.h"

#include <fcntl.h>
#include <marginalia/torch_tag.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>
#include <sstream>

#include "kernel/base/digest.h"
#include "kernel/worker/plugins/exported_symbols.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;
namespace dll = boost::dll;

constexpr std::string_view symbol_stem = "marginalia_plugin_v";
constexpr const char* symbol_name = MARGINALIA_TEXT(MARGINALIA_SYMBOL);
constexpr std::string_view tier_1[] = {"energy", "dataset"};
constexpr std::string_view tier_2[] = {"network", "sampler", "objective"};
constexpr std::string_view needed_tables[] = {"energy",        "dataset",        "sampler",
                                              "model-sampler", "target-sampler", "states"};

template <std::size_t N>
bool among(std::string_view word, const std::string_view (&words)[N]) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// Judges a file by the names it exports, before any of its code runs.
void check_symbols(const fs::path& file) {
    std::optional<std::string> other;
    for (const std::string& symbol : exported_symbols(file, symbol_stem)) {
        if (symbol == symbol_name) return;
        other = symbol.substr(symbol_stem.size());
    }
    if (other)
        throw Error("built for plugin ABI " + *other + ", this program has ABI " MARGINALIA_TEXT(MARGINALIA_ABI) +
                    "; rebuild it against this SDK");
    throw Error(std::string("not a marginalia plugin (exports no ") + symbol_name + ")");
}

// Boost.DLL wraps the loader's sentence: "... (dlerror system message: FILE: undefined symbol: x): Bad descriptor".
std::string loader_message(const fs::path& file, std::string text) {
    constexpr std::string_view start = "dlerror system message: ";
    if (const auto at = text.find(start); at != std::string::npos) text.erase(0, at + start.size());
    if (const auto at = text.rfind("): "); at != std::string::npos) text.erase(at);
    const std::string prefix = file.string() + ": ";
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    return text;
}

// Never unloaded: objects, exceptions and LibTorch's registrations outlive any moment at which that would be safe.
const PluginDescriptor* load(const fs::path& file) {
    static auto& libraries = *new std::vector<dll::shared_library>;
    dll::shared_library library;
    try {
        library.load(file, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    } catch (const std::exception& error) {
        throw Error("cannot be loaded: " + loader_message(file, error.what()) +
                    "; rebuild it against this SDK and link what it uses");
    }
    libraries.push_back(std::move(library));
    return &libraries.back().get<const PluginDescriptor>(symbol_name);
}

bool is_name(const char* text) {
    if (!text || !*text) return false;
    return std::all_of(text, text + std::strlen(text),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

void check_build(const PluginDescriptor& plugin) {
    if (!plugin.build_tag || !plugin.kind) throw Error("malformed descriptor (no build tag or no kind)");
    const bool torch = among(plugin.kind, tier_2);
    if (!torch && !among(plugin.kind, tier_1))
        throw Error("declares the unknown kind '" + std::string(plugin.kind) +
                    "'; the kinds are dataset, energy, network, objective and sampler");
    const char* own = torch ? MARGINALIA_TORCH_BUILD_TAG : MARGINALIA_BUILD_TAG;
    // Energies and datasets may use LibTorch too; then they say so and have to fit it as well.
    if (std::strcmp(plugin.build_tag, own) != 0 && std::strcmp(plugin.build_tag, MARGINALIA_TORCH_BUILD_TAG) != 0)
        throw Error("compiled as [" + std::string(plugin.build_tag) + "], this program as [" + own +
                    "]; rebuild it with the same compiler and settings");
}

std::vector<std::string> words_of(const char* text) {
    std::istringstream stream(text ? text : "");
    return {std::istream_iterator<std::string>(stream), {}};
}

void check_content(const PluginDescriptor& plugin) {
    if (!is_name(plugin.name))
        throw Error("malformed descriptor: its name must be lower-case words joined by '-', not '" +
                    std::string(plugin.name ? plugin.name : "") + "'");
    if (!plugin.create) throw Error("malformed descriptor (no factory)");
    if (!plugin.parameters && plugin.parameter_count > 0) throw Error("malformed descriptor (no parameter list)");
    for (std::size_t i = 0; i < plugin.parameter_count; ++i)
        if (!is_name(plugin.parameters[i].name))
            throw Error("malformed descriptor: parameter " + std::to_string(i + 1) + " has no lower_snake name");
    for (const std::string& word : words_of(plugin.needs))
        if (!among(word, needed_tables))
            throw Error("malformed descriptor: it needs a [" + word +
                        "]; a plugin may need energy, dataset, sampler, model-sampler, target-sampler and states");
}

PluginManifest manifest_of(const PluginDescriptor& plugin, const fs::path& file) {
    PluginManifest manifest;
    manifest.kind = plugin.kind;
    manifest.name = plugin.name;
    manifest.summary = plugin.summary ? plugin.summary : "";
    manifest.manual = plugin.manual ? plugin.manual : "";
    for (std::size_t i = 0; i < plugin.parameter_count; ++i)
        manifest.parameters.push_back(describe(plugin.parameters[i]));
    manifest.path = file.string();
    manifest.build_tag = plugin.build_tag;
    manifest.sha256 = sha256_of_file(file);
    manifest.needs = words_of(plugin.needs);
    return manifest;
}

// A FIFO would be waited for, a device read without end.
void check_is_plain_file(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENXIO) throw Error("not a plain file, but a socket or a device without a driver");
    if (descriptor < 0) throw Error(std::string("cannot be read: ") + std::strerror(errno));
    struct stat found{};
    ::fstat(descriptor, &found);
    ::close(descriptor);
    if (S_ISREG(found.st_mode)) return;
    const char* kind = S_ISDIR(found.st_mode) ? "folder" : S_ISFIFO(found.st_mode) ? "FIFO" : "device";
    throw Error(std::string("not a plain file, but a ") + kind);
}

}  // namespace

PluginHost::PluginHost(const std::vector<fs::path>& files) { open(files); }

void PluginHost::open(const std::vector<fs::path>& files, const BeforeLoad& before) {
    catalogue_.failures.clear();
    for (const fs::path& file : files) {
        const auto is_this = [&](const PluginManifest& plugin) { return plugin.path == file; };
        if (std::ranges::any_of(catalogue_.plugins, is_this)) continue;
        try {
            if (before) before(file);
            open_file(file);
        } catch (const std::exception& error) {
            catalogue_.failures.push_back({file.string(), error.what()});
        }
    }
}

void PluginHost::open_file(const fs::path& file) {
    check_is_plain_file(file);
    check_symbols(file);
    const PluginDescriptor* plugin = load(file);
    check_build(*plugin);
    check_content(*plugin);
    catalogue_.plugins.push_back(manifest_of(*plugin, file));
    descriptors_.push_back(plugin);
}

std::size_t PluginHost::index_of(const std::string& kind, const std::string& name) const {
    std::string known;
    for (std::size_t i = 0; i < catalogue_.plugins.size(); ++i) {
        const PluginManifest& plugin = catalogue_.plugins[i];
        if (plugin.kind == kind && plugin.name == name) return i;
        if (plugin.kind == kind) known += (known.empty() ? "" : ", ") + plugin.name;
    }
    throw Error("there is no " + kind + " plugin named '" + name + "'; there are: " + (known.empty() ? "none" : known));
}

void (*PluginHost::factory(const std::string& kind, const std::string& name) const)() {
    return descriptors_[index_of(kind, name)]->create;
}

const PluginManifest& PluginHost::manifest(const std::string& kind, const std::string& name) const {
    return catalogue_.plugins[index_of(kind, name)];
}

}  // namespace marginalia
