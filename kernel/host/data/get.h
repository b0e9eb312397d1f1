// Getting a data set: from its sources or from a file, folder or address of the user's, into a folder, checked.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

#include "kernel/host/data/data_sets.h"

namespace marginalia::data {

// Puts the set's files that are not there yet into `folder`, which is made if need be. A file gets its name only when
// its size and checksums are right; until then it is in the folder's `.partial`, where a download that was cut short
// stays, to be resumed. Files that are there are checked too.
//
// `from` empty: the set's sources are tried in order. Otherwise only that: a folder with files of the set, a file (the
// set's, or an archive with some), or an address, each compressed or not.
//
// Processes: while one fills a folder, others that would fill it too wait. A killed one leaves nothing that the next
// one, or a dataset, would take for a whole file.
//
// Progress goes to `words`, a line a step. Throws Error where a file there is another one, and where some file could
// not be had: that names what was tried and which files to put where.
void get(const DataSet& set, const std::string& from, const std::filesystem::path& folder, std::ostream& words);

}  // namespace marginalia::data
