// Is a file the published one?
#pragma once

#include <filesystem>
#include <string>

#include "kernel/host/data/data_sets.h"

namespace marginalia::data {

// What is wrong with the file at `path` as copy of `file`: its size, a checksum or, where none is published, what it
// says of a graph; "" if nothing. Reads the whole file.
std::string difference_from(const std::filesystem::path& path, const DataFile& file);

// By what a file is known: "17 bytes, SHA-256 ..."; and the word for that, "checksum" or "shape".
std::string known_by(const DataFile& file);
const char* word_for_known_by(const DataFile& file);

// How long it may be.
std::uint64_t most_bytes_of(const DataFile& file);

}  // namespace marginalia::data
