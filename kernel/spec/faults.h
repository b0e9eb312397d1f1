// Everything that is wrong with an experiment file, told at once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/spec/node.h"

namespace marginalia::config {

// Collects faults, each a sentence at a place. One thread.
class Faults {
public:
    // `overrides` are the command line's, as typed; both are for messages.
    Faults(std::string file, std::vector<std::string> overrides)
        : files_{std::move(file)}, overrides_(std::move(overrides)) {}

    // Names another file that places may be in, and returns its number, Place::file.
    std::uint32_t add_file(std::string file);
    // The files named so far, by number.
    const std::vector<std::string>& files() const { return files_; }

    void add(Place place, std::string sentence);
    // The same for a plugin that is missing or was refused.
    void add_plugin(Place place, std::string sentence);
    bool none() const { return faults_.empty(); }

    // How messages name the place: "FILE:LINE:COLUMN" or "override 'x=1'".
    std::string where(Place place) const;

    // Throws Error with one line a fault, "FILE:LINE:COLUMN: sentence" or "override 'x=1': sentence", those of files
    // first, by position; MissingPlugin if all are about plugins. Does nothing if there is no fault.
    void throw_if_any() const;

private:
    std::vector<std::string> files_;
    std::vector<std::string> overrides_;
    std::vector<std::pair<Place, std::string>> faults_;
    std::size_t about_plugins_ = 0;  // how many of them
};

}  // namespace marginalia::config
