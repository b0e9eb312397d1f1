#include "batches.h"

#include "../data_files.h"

namespace marginalia {
namespace {

constexpr std::size_t record = 1 + cifar_bytes;
constexpr std::uint8_t classes = 10;

bool is_there(const std::string& path) {
    struct stat facts;
    return ::stat(path.c_str(), &facts) == 0 || errno != ENOENT;
}

}  // namespace

CifarPictures read_cifar_records(const std::string& name) {
    const auto [path, bytes] = file_bytes(name, "folder", "cifar10");
    if (bytes.size() % record != 0)
        throw Error(path + ": the file has " + std::to_string(bytes.size()) +
                    " bytes, which are no whole number of records of 3,073; give a batch of CIFAR-10's binary version");
    const std::size_t count = bytes.size() / record;
    CifarPictures pictures(count * cifar_bytes);
    for (std::size_t i = 0; i < count; ++i) {
        const auto* const from = reinterpret_cast<const std::uint8_t*>(bytes.data()) + i * record;
        if (from[0] >= classes)
            throw Error(path + ": byte " + std::to_string(i * record) + ": class " + std::to_string(from[0]) +
                        " of a record, and there are ten, from 0; give a batch of CIFAR-10's binary version");
        std::uint8_t* const to = pictures.data() + i * cifar_bytes;
        for (std::size_t p = 0; p < cifar_pixels; ++p)
            for (std::size_t c = 0; c < 3; ++c) to[3 * p + c] = from[1 + c * cifar_pixels + p];
    }
    return pictures;
}

CifarPictures read_cifar_batch(const std::string& folder, const std::string& name) {
    const std::string path = folder + "/" + name;
    if (is_there(path + ".bin") || is_there(path + ".bin.gz")) return read_cifar_records(path + ".bin");
    return read_cifar_lines(path + ".png");
}

}  // namespace marginalia
