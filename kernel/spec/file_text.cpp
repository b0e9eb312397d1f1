#include "kernel/spec/file_text.h"

#include <marginalia/error.h>
#include <marginalia/files.h>

#include <cerrno>
#include <cstring>

namespace marginalia::config {

std::string file_text(const std::filesystem::path& file, const std::string& what) {
    constexpr std::uint64_t most_bytes = std::uint64_t{16} << 20;
    try {
        return text_file(file.string(), most_bytes);
    } catch (const Error& error) {
        const std::string text = error.what(), unread = file.string() + ": cannot be read: ";
        if (!text.starts_with(unread)) throw;
        const std::string why = text.substr(unread.size(), text.rfind("; give") - unread.size());
        const bool too_many = why.find(std::strerror(EMFILE)) != why.npos;
        throw Error("cannot read the " + what + " '" + visible(file.string(), 1000) + "': " + why +
                    (too_many ? "; raise the limit of open files (ulimit -n)" : "; give the path of a TOML file"));
    }
}

}  // namespace marginalia::config
