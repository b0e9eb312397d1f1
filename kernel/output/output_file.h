// A file that is there whole or not at all.
#pragma once

#include <filesystem>
#include <fstream>

namespace marginalia {

// Written under another name beside its own and renamed by commit(). What was not committed is removed by the
// destructor, and where SIGINT, SIGTERM or SIGHUP ends the process. One at a time in a process, as signals know one
// file only.
class OutputFile {
public:
    // Throws Error where its folder is not there, it is no regular file, or it cannot be written.
    explicit OutputFile(std::filesystem::path file);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    std::ostream& stream() { return stream_; }  // can be sought in

    // Throws Error where not all of it could be written, as on a full disk.
    void commit();

private:
    const std::filesystem::path file_;
    std::filesystem::path beside_;
    std::ofstream stream_;
};

}  // namespace marginalia
