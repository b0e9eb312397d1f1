#include "file_contents.h"

#include <cstdio>

#include <marginalia/error.h>

namespace marginalia {

std::string file_contents(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    std::string bytes;
    char piece[1 << 14];
    for (std::size_t got; file && (got = std::fread(piece, 1, sizeof piece, file)) > 0;) bytes.append(piece, got);
    const bool whole = file && !std::ferror(file);
    if (file) std::fclose(file);
    if (!whole) throw Error(path + ": cannot be read; give the path of a readable file");
    return bytes;
}

}  // namespace marginalia
