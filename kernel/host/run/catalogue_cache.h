// What plugin files are, kept from one start of the program to the next.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "kernel/spec/schema.h"

namespace marginalia {

// The file plugins.json in the user's cache folder: of each plugin file what it declares or why it was refused. That is
// believed, its SHA-256 included, as long as device, inode, size and both times of the plugin file, of the worker
// program and of the LibTorch that opened it are the same to the nanosecond. Not kept: what could not be read or
// loaded, as that hangs on more than the file, and files written less than a tenth of a second ago, as clocks of file
// systems tick. A cache that is damaged, another user's, or writable by others counts as empty and is made anew; where
// it cannot be written, a worker looks at every start. Any number of processes may read and write it at once: it is
// there whole or not at all, and what one of them does not find it asks a worker again.
//
// Threads: one.
class CatalogueCache {
public:
    struct Finding {
        std::string stamp, worker, library;  // of the plugin file, the worker program, LibTorch; "": not to be kept
        std::string library_file;
        std::optional<PluginManifest> plugin;
        std::string refusal;  // where it is not a plugin that can be used
    };

    explicit CatalogueCache(const std::filesystem::path& worker_program);

    // Whether something is known of the file as it is now.
    bool look_up(const std::filesystem::path& file);
    // Takes what a worker says of files that were looked up, and writes the cache. `library`: its LibTorch.
    void keep(const PluginCatalogue& found, const std::filesystem::path& library);
    // Of a file that was looked up; null: nothing is known.
    const Finding* find(const std::filesystem::path& file) const;

private:
    using Findings = std::map<std::string, Finding>;  // by path

    Findings read() const;
    void write() const;

    const std::filesystem::path file_;  // "": there is none
    const std::string worker_;          // stamp
    const Findings stored_;
    std::map<std::string, std::string> stamps_;  // of the files looked up, before they were opened
    Findings known_;                             // of those
};

}  // namespace marginalia
