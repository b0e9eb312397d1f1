#include "kernel/spec/file_text.h"

#include <marginalia/error.h>
#include <marginalia/files.h>

namespace marginalia::config {

std::string file_text(const std::filesystem::path& file, const std::string& what) {
    constexpr std::uint64_t most_bytes = std::uint64_t{16} << 20;
    try {
        return text_file(file.string(), most_bytes);
    } catch (const Error& error) {
        const std::string text = error.what(), unread = file.string() + ": cannot be read: ";
        if (!text.starts_with(unread)) throw;
        throw Error("cannot read the " + what + " '" + visible(file.string(), 1000) +
                    "': " + text.substr(unread.size(), text.rfind("; give") - unread.size()) +
                    "; give the path of a TOML file");
    }
}

}  // namespace marginalia::config
