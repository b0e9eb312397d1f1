// Refuses and loads plugins.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <marginalia/plugin.h>

#include "kernel/spec/schema.h"

namespace marginalia {

// The open plugins of a process: the files that its trial names and no others. Libraries are opened now, local, and
// never closed. Refused or failed files are listed, never fatal: wrong ABI number (read from the symbol's name before
// any code runs), other build tag, a library that is no plugin. Where several files have one kind and name, the host
// chooses (kernel/host/run/catalogue.h); here the one that was opened first is used.
class PluginHost {
public:
    // Called before a file is opened, so that a crash in its constructors can be blamed on it.
    using BeforeLoad = std::function<void(const std::filesystem::path&)>;

    PluginHost() = default;
    explicit PluginHost(const std::vector<std::filesystem::path>& files);

    // Opens those of the files that are not open yet.
    void open(const std::vector<std::filesystem::path>& files, const BeforeLoad& before = {});

    // Every open plugin, in the order of opening; as failures, those files of the last open() that were refused.
    const PluginCatalogue& catalogue() const { return catalogue_; }

    // The plugin's factory, to be cast to EnergyFactory and so on. Throws Error with the names there are if absent.
    void (*factory(const std::string& kind, const std::string& name) const)();
    const PluginManifest& manifest(const std::string& kind, const std::string& name) const;

private:
    void open_file(const std::filesystem::path& file);
    std::size_t index_of(const std::string& kind, const std::string& name) const;

    PluginCatalogue catalogue_;
    std::vector<const PluginDescriptor*> descriptors_;  // same order as catalogue_.plugins
};

}  // namespace marginalia
