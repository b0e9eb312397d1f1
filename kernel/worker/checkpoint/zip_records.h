// The records of a zip archive that lies in memory, as LibTorch writes checkpoints.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace marginalia {

// Reads stored records only and unpacks nothing, so that no archive needs more memory than its own bytes. Called by
// whoever opens a checkpoint, which may come from a stranger: every number in the archive is checked before use.
// Points into `bytes`, which must outlive it.
class ZipRecords {
public:
    // Throws Error where this is no zip archive, or its directory names places outside it, a place twice or a name
    // twice.
    explicit ZipRecords(std::string_view bytes);

    // The record ROOT/name, ROOT being the folder that all names share. Throws Error where it is missing, compressed,
    // or its checksum does not fit: a flipped bit is an error, never a weight.
    std::string_view at(const std::string& name) const;

private:
    struct Entry {
        std::string_view data;
        std::uint32_t crc = 0;
        bool stored = false;
    };

    void read_directory(std::string_view bytes);
    std::size_t read_entry(std::string_view bytes, std::size_t at, std::map<std::size_t, std::size_t>& places);

    std::map<std::string, Entry, std::less<>> records_;  // without ROOT
};

}  // namespace marginalia
