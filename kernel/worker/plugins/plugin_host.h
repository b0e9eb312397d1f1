// Refuses and loads plugins.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <marginalia/plugin.h>

#include "kernel/spec/schema.h"

namespace marginalia {

// The loaded plugins of a process. Libraries are opened now, local, and never closed. Refused or failed files are
// listed, never fatal: wrong ABI number (read from the symbol's name before any code runs), other build tag, a library
// that is no plugin, two files with one kind and name (the first in search order wins and both are named).
class PluginHost {
public:
    // Called before a file is opened, so that a crash in its constructors can be blamed on it.
    using BeforeLoad = std::function<void(const std::filesystem::path&)>;

    // Loads every *.so of each folder in order (sorted within), except the files in `skip`, which are listed as
    // failures with the reason given there. A "folder" may also be one plugin file.
    explicit PluginHost(const std::vector<std::filesystem::path>& folders, const BeforeLoad& before = {},
                        const std::vector<PluginFailure>& skip = {});

    const PluginCatalogue& catalogue() const { return catalogue_; }

    // The plugin's factory, to be cast to EnergyFactory and so on. Throws Error with the names there are if absent.
    void (*factory(const std::string& kind, const std::string& name) const)();
    const PluginManifest& manifest(const std::string& kind, const std::string& name) const;

private:
    void open_folder(const std::filesystem::path& folder, const BeforeLoad& before,
                     const std::vector<PluginFailure>& skip);
    void open_file(const std::filesystem::path& file);
    std::size_t index_of(const std::string& kind, const std::string& name) const;

    PluginCatalogue catalogue_;
    std::vector<const PluginDescriptor*> descriptors_;  // same order as catalogue_.plugins
};

}  // namespace marginalia
