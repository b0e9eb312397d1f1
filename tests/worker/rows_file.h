// Random states of 3 x 4 sites as a .npy file of bytes.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace marginalia {

class RowsFile {
public:
    RowsFile()
        : path_(std::filesystem::temp_directory_path() / ("marginalia_rows_" + std::to_string(getpid()) + ".npy")) {
        std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 3, 4), }";
        header.resize(117, ' ');
        std::ofstream file(path_, std::ios::binary);
        file << "\x93NUMPY" << '\x01' << '\0' << '\x76' << '\0' << header << '\n';
        for (int i = 0; i < 480; ++i) file << static_cast<char>((i * i / 7 + i) % 2);
    }
    ~RowsFile() { std::filesystem::remove(path_); }
    std::string path() const { return path_.string(); }

private:
    const std::filesystem::path path_;
};

}  // namespace marginalia
