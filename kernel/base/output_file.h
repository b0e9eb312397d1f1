// A file that is there whole or not at all, and where the --out of a verb goes.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "kernel/base/descriptor_buffer.h"

namespace marginalia {

// Written under an unguessable name beside its own, and renamed by commit(). What was not committed is removed by the
// destructor, and by signals that end the process. A file that is replaced keeps its mode and, where we may, its owner;
// a link to a plain file stays a link, and the file it leads to is replaced. One at a time in a process, as signals
// know one file only; not thread-safe.
class OutputFile {
public:
    // `option` is the one that named it, for the sentences. Throws Error where its folder is not there, it is a device,
    // FIFO, socket or folder, it may not be written, or a link that somebody else put into a folder for all leads to
    // it.
    // `mode`: of a file that is new, less the umask.
    explicit OutputFile(const std::filesystem::path& file, const std::string& option = "--out", mode_t mode = 0666);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    // Data may come in parts, and it can be sought in. Throws WriteError where a part cannot be written.
    std::ostream& stream() { return *stream_; }

    // Throws WriteError where not all of it can be written, as on a full disk; nothing has changed then.
    void commit();

private:
    struct Place;
    void open_beside(mode_t mode);

    std::unique_ptr<Place> place_;  // removes what was not committed
    std::unique_ptr<DescriptorBuffer> buffer_;
    std::unique_ptr<std::ostream> stream_;
};

// Where the --out of a verb goes: a file, or standard output where it is empty or "-".
class Output {
public:
    // `standard` must outlive it. Throws as OutputFile does.
    Output(const std::filesystem::path& file, std::ostream& standard);

    static bool is_standard(const std::filesystem::path& file) { return file.empty() || file == "-"; }
    bool is_file() const { return file_.has_value(); }
    std::ostream& stream() { return file_ ? file_->stream() : standard_; }
    void commit();  // to be called when all is written

private:
    std::ostream& standard_;
    std::optional<OutputFile> file_;
};

// All of it at once, to a file or to `standard`; see Output.
void write_out(const std::filesystem::path& place, std::string_view bytes, std::ostream& standard);

}  // namespace marginalia
