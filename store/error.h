// What the store throws: refusals and failures, each one sentence with the file's name and a remedy.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace marginalia::store {

// Thrown by everything in this folder. The host turns `kind` into an exit code; the message is for people.
class StoreError : public std::runtime_error {
public:
    enum class Kind {
        missing,      // no such file, or no folder to put it in
        not_a_store,  // a text file, another program's database, a folder
        newer,        // written by a newer version of marginalia
        older,        // of an older layout, which a writer has to bring up to date first
        read_only,    // the file or its folder cannot be written
        network,      // lies where SQLite's locks and shared memory cannot be relied on
        full,         // no space left on the disk
        locked,       // another process kept it locked for longer than we wait
        damaged,      // SQLite finds the file malformed
        too_large,    // a value beyond what SQLite takes
        moved,        // the file was moved, deleted or replaced while it was open
        linked,       // the file has a second name, under which its log would not be found
        failed,       // another failure of SQLite or the disk
        no_match,     // no such trial, or an ambiguous name
        bad_query,    // SQL that is wrong, would write or goes beyond its limits
        stopped,      // by the user
    };

    StoreError(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

// Of Kind::damaged. `how`: what is wrong with the file, in a few words.
StoreError damaged_store(const std::filesystem::path& file, std::string_view how);

}  // namespace marginalia::store
