// `new-plugin`: the first project of a plugin author, from the templates in sdk/template.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <marginalia/error.h>
#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string_view>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/nearest.h"

// One embedded file: "KIND/FILE" and its bytes (templates.cmake).
struct Template {
    const char* path;
    const char* first;
    const char* end;
};
extern "C" const Template marginalia_templates[], marginalia_templates_end[];

namespace marginalia {
namespace {

constexpr const char* footer_of_new_plugin =
    R"(It prints the commands that build, check and run it.

Examples:
  marginalia new-plugin energy spin-glass
  marginalia new-plugin dataset my-rows --dir plugins/my-rows

Exit codes: 0 written, 2 nothing written (the message says why).)";

struct NewPluginOptions {
    std::string kind;
    std::string name;
    std::filesystem::path folder;  // empty: ./NAME
};

namespace fs = std::filesystem;

const std::vector<std::string> kinds = {"energy", "dataset", "network", "sampler", "objective"};

void check_kind(const std::string& kind) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        throw Error(fmt::format("unknown kind '{}'{}", kind, suggestion(kind, kinds, "kinds")));
}

// Words of a-z and 0-9 joined by single '-', the first letter no digit: the name also makes a C++ type and a file name.
bool is_plugin_name(std::string_view name) {
    char before = '-';
    for (const char c : name) {
        const bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (c == '-' ? before == '-' : !letter && !digit) return false;
        before = c;
    }
    return !name.empty() && name.back() != '-' && !(name.front() >= '0' && name.front() <= '9');
}

void check_name(const std::string& name) {
    if (!is_plugin_name(name))
        throw Error(
            fmt::format("'{}' cannot be the name of a plugin; use lower-case words joined by '-', beginning with a "
                        "letter, such as spin-glass or potts3",
                        name));
    if (std::find(kinds.begin(), kinds.end(), name) != kinds.end())
        throw Error(fmt::format("'{}' is the name of a kind; give the plugin a name of its own", name));
}

// Of two plugins with one kind and name only the first is used, and a file of the same name overwrites another's when
// it is installed.
void check_new(const std::string& kind, const std::string& name, const std::vector<fs::path>& folders) {
    const PluginCatalogue catalogue = fetch_catalogue(folders);
    if (const PluginManifest* plugin = catalogue.find(kind, name))
        throw Error(
            fmt::format("the {} plugin '{}' exists already, {}; choose another name", kind, name, plugin->path));
    for (const fs::path& folder : folders)
        if (const fs::path file = folder / (name + ".so"); fs::exists(file))
            throw Error(fmt::format("the plugin file {} exists already; choose another name", file.string()));
}

void check_folder(const fs::path& folder) {
    if (!fs::exists(folder.parent_path()))
        throw Error(fmt::format("there is no folder {}; make it first", folder.parent_path().string()));
    if (fs::exists(folder) && !fs::is_directory(folder))
        throw Error(fmt::format("{} is a file; name a new folder with --dir", folder.string()));
    if (fs::exists(folder) && !fs::is_empty(folder))
        throw Error(fmt::format("{} is not empty; name a new folder with --dir", folder.string()));
}

// "spin-glass" -> "SpinGlass"
std::string type_name(const std::string& name) {
    std::string type;
    bool begins = true;
    for (const char c : name) {
        if (c != '-') type += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        begins = c == '-';
    }
    return type;
}

std::string source_stem(std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

// PREFIX of PREFIX/bin/marginalia, the running program: where the SDK is too.
std::string program_prefix() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path().string(); }

using Words = std::map<std::string, std::string>;

std::string filled_in(std::string text, const Words& words) {
    for (const auto& [placeholder, word] : words)
        for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += word.size())
            text.replace(at, placeholder.size(), word);
    return text;
}

// The files of a kind, by the names they get in the project.
Words project_files(const std::string& kind, const std::string& name) {
    const std::string version = MARGINALIA_VERSION;
    const Words words = {{"@NAME@", name},
                         {"@FILE@", source_stem(name)},
                         {"@TYPE@", type_name(name)},
                         {"@VERSION@", version.substr(0, version.rfind('.'))},
                         {"@PREFIX@", program_prefix()}};
    const Words renamed = {{"plugin.cpp", source_stem(name) + ".cpp"},
                           {"data.csv", source_stem(name) + ".csv"},
                           {"gitignore", ".gitignore"}};
    Words files;
    for (const Template* file = marginalia_templates; file != marginalia_templates_end; ++file) {
        const fs::path path = file->path;
        if (path.parent_path() != kind && path.parent_path() != "common") continue;
        const auto other = renamed.find(path.filename());
        files[other == renamed.end() ? path.filename().string() : other->second] =
            filled_in(std::string(file->first, file->end), words);
    }
    return files;
}

// A new folder under an unguessable name that is removed again with all that is in it. Signals wait as long.
class Staging {
public:
    explicit Staging(const fs::path& parent) {
        std::string name = (parent / ".new-plugin-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw fs::filesystem_error("mkdtemp", parent, std::error_code(errno, std::generic_category()));
        folder_ = name;
        const mode_t mask = ::umask(0);
        ::umask(mask);
        fs::permissions(folder_, static_cast<fs::perms>(0777 & ~mask));
        sigset_t ends;
        ::sigfillset(&ends);
        ::pthread_sigmask(SIG_BLOCK, &ends, &before_);
    }
    ~Staging() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    const fs::path& folder() const { return folder_; }

private:
    fs::path folder_;
    sigset_t before_;
};

// All or nothing: the files are complete before the first of them has its place. An empty folder that is there already
// stays the same folder, as a shell may be in it.
void write_project(const fs::path& folder, const Words& files) {
    const Staging staging(fs::exists(folder) ? folder : folder.parent_path());
    for (const auto& [name, text] : files) {
        OutputFile file(staging.folder() / name, "--dir");
        file.stream() << text;
        file.commit();
    }
    if (!fs::exists(folder)) return fs::rename(staging.folder(), folder);
    for (const auto& file : files) fs::rename(staging.folder() / file.first, folder / file.first);
}

int new_plugin_verb(const Common& common, const NewPluginOptions& options, std::ostream& out) {
    check_kind(options.kind);
    check_name(options.name);
    const fs::path shown = options.folder.empty() ? fs::path(options.name) : options.folder;
    const fs::path folder = fs::weakly_canonical(fs::absolute(shown));
    check_folder(folder);
    check_new(options.kind, options.name, plugin_folders(common.plugin_paths));
    const Words files = project_files(options.kind, options.name);
    try {
        write_project(folder, files);
    } catch (const fs::filesystem_error& error) {
        throw Error(fmt::format("{} cannot be written: {}", folder.string(), error.code().message()));
    }
    fmt::print(out, "{} '{}' in {}:", options.kind, options.name, shown.string());
    for (const auto& file : files) fmt::print(out, " {}", file.first);
    fmt::print(out, "\n\nnext:\n");
    if (folder != fs::current_path()) fmt::print(out, "  cd {}\n", shell_word(shown.string()));
    fmt::print(out,
               "  cmake -B build\n"
               "  cmake --build build\n"
               "  marginalia check-plugin build/{0}.so conformance.toml\n"
               "  marginalia run experiment.toml\n",
               options.name);
    return exit_ok;
}

}  // namespace

void add_new_plugin(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "new-plugin", "Write a small, complete plugin project to start from", new_plugin_verb);
    verb->footer(footer_of_new_plugin);
    verb->add_option("kind", options.kind, "energy, dataset, network, sampler or objective")->required();
    verb->add_option("name", options.name, "lower-case words joined by '-'")->required();
    verb->add_option("--dir", options.folder, "folder to make; ./NAME if left out");
}

}  // namespace marginalia
