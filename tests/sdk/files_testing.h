// Files for the tests of readers, and the dataset `table`.
#pragma once

#include <marginalia/dataset.h>
#include <marginalia/error.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel/worker/check/parameters.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace files_testing {

using marginalia::Dataset;
using marginalia::DatasetFactory;
using marginalia::Error;
using marginalia::PluginHost;
using marginalia::Split;

inline std::string written(const std::string& name, const std::string& bytes) {
    const std::string path = (std::filesystem::temp_directory_path() / ("sdk_files_" + name)).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

// What is thrown, without the file's folder.
inline std::string failure(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        const std::string text = error.what(), folder = std::filesystem::temp_directory_path().string() + "/sdk_files_";
        return text.starts_with(folder) ? text.substr(folder.size()) : text;
    }
    return "";
}

template <class T>
std::string saved_array(const std::string& type, const std::string& shape, const std::vector<T>& values,
                        const std::string& order = "False") {
    std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
    const auto length = static_cast<std::uint16_t>(header.size());
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes.append(reinterpret_cast<const char*>(&length), 2);
    bytes += header;
    return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

inline std::unique_ptr<Dataset> table(const std::vector<std::string>& words) {
    static const PluginHost host({std::string(MARGINALIA_BINARY_DIR) + "/lib/marginalia/plugins/table.so"});
    const auto make = reinterpret_cast<DatasetFactory>(host.factory("dataset", "table"));
    return std::unique_ptr<Dataset>(make(plugin_parameters(host.manifest("dataset", "table"), words), nullptr));
}

inline std::vector<int> row_of(const Dataset& dataset, Split split, std::size_t index) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(dataset.sites()));
    dataset.row(split, index, row);
    return {row.begin(), row.end()};
}

inline std::string gzipped(const std::string& bytes) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    std::string packed(bytes.size() + 1000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

// A zip archive as Python's zipfile writes it for numpy.savez and numpy.savez_compressed.
inline std::string zipped(const std::vector<std::pair<std::string, std::string>>& members, bool deflated) {
    const auto little = [](std::uint64_t value, int bytes) {
        std::string text;
        for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
        return text;
    };
    std::string zip, list;
    for (const auto& [name, bytes] : members) {
        std::string packed = bytes;
        if (deflated) {  // gzip's without its head of 10 bytes and its end of 8
            packed = gzipped(bytes);
            packed = packed.substr(10, packed.size() - 18);
        }
        const std::string facts =
            little(deflated ? 8 : 0, 2) + little(0, 4) +
            little(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())), 4) +
            little(packed.size(), 4) + little(bytes.size(), 4) + little(name.size(), 2);
        // The local head has extra bytes that the list has not, as numpy's force_zip64 makes them.
        list += std::string("PK\1\2", 4) + little(20, 2) + little(20, 2) + little(0, 2) + facts + little(0, 2) +
                little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(zip.size(), 4) + name;
        zip += std::string("PK\3\4", 4) + little(20, 2) + little(0, 2) + facts + little(20, 2) + name +
               std::string(20, '\1') + packed;
    }
    const std::size_t at = zip.size();
    return zip + list + std::string("PK\5\6", 4) + little(0, 4) + little(members.size(), 2) +
           little(members.size(), 2) + little(list.size(), 4) + little(at, 4) + little(0, 2);
}

}  // namespace files_testing
