#include "kernel/config/file_text.h"

#include <marginalia/error.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace marginalia::config {

std::string file_text(const std::filesystem::path& file, const std::string& what) {
    std::ifstream stream(file, std::ios::binary);
    const int why = errno;
    std::ostringstream text;
    std::error_code none;  // the stream has the reason
    const bool folder = std::filesystem::is_directory(file, none);
    if (stream && !folder && stream.peek() == std::ifstream::traits_type::eof()) return {};
    if (!stream || folder || !(text << stream.rdbuf()))
        throw Error("cannot read the " + what + " '" + file.string() +
                    "': " + (folder ? "it is a folder" : std::strerror(why)) + "; give the path of a TOML file");
    return text.str();
}

}  // namespace marginalia::config
