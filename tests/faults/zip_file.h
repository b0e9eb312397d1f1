// Writes zip archives of stored records with true checksums, for attacks that get past the checksums.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using Records = std::vector<std::pair<std::string, std::string>>;  // name, bytes

inline void put_number(std::string& to, std::uint64_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

inline std::string zip_of(const Records& records) {
    std::string zip, directory;
    for (const auto& [name, bytes] : records) {
        const auto offset = zip.size();
        const auto crc = ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        std::string facts;  // what the local header and the directory's entry share
        for (const int zero : {0, 0, 0, 0}) put_number(facts, static_cast<std::uint64_t>(zero), 2);
        put_number(facts, crc, 4);
        put_number(facts, bytes.size(), 4);
        put_number(facts, bytes.size(), 4);
        put_number(facts, name.size(), 2);
        put_number(facts, 0, 2);
        put_number(zip, 0x04034b50, 4);
        put_number(zip, 20, 2);
        zip += facts + name + bytes;
        put_number(directory, 0x02014b50, 4);
        put_number(directory, 20, 2);
        put_number(directory, 20, 2);
        directory += facts;
        put_number(directory, 0, 10);
        put_number(directory, offset, 4);
        directory += name;
    }
    const auto start = zip.size();
    zip += directory;
    put_number(zip, 0x06054b50, 4);
    put_number(zip, 0, 4);
    put_number(zip, records.size(), 2);
    put_number(zip, records.size(), 2);
    put_number(zip, directory.size(), 4);
    put_number(zip, start, 4);
    put_number(zip, 0, 2);
    return zip;
}
