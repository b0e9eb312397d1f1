// One process at a time in a folder of data.
#pragma once

#include <filesystem>
#include <ostream>

namespace marginalia::data {

// Holds the folder (flock on the folder itself, so that no file tells of it) until it is destroyed and every program
// started meanwhile has ended: a download that outlives its killed parent keeps others away as well. On filesystems
// without such locks it does nothing.
class FolderLock {
public:
    // Waits while another process holds the folder, which must be there; says so on `words`.
    FolderLock(const std::filesystem::path& folder, std::ostream& words);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

private:
    int descriptor_;
};

}  // namespace marginalia::data
