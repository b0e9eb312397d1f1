// The dataset `cifar10`: small batches made here, in both kinds of files.
#include <doctest/doctest.h>
#include <zlib.h>

#include "tests/plugins/dataset_testing.h"

namespace datasets_cifar10 {

using namespace dataset_testing;
using marginalia::Split;

namespace {

constexpr std::size_t pixels = 1024;
const char* const batches[] = {"data_batch_1", "data_batch_2", "data_batch_3",
                               "data_batch_4", "data_batch_5", "test_batch"};

// Of one colour but for the last pixel, which is black.
std::string record(int kind, int red, int green, int blue) {
    std::string bytes(1, static_cast<char>(kind));
    for (const int value : {red, green, blue}) bytes += std::string(pixels - 1, static_cast<char>(value)) + '\0';
    return bytes;
}

std::string big_endian(std::size_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
}

std::string chunk(const std::string& name, const std::string& data) {
    const std::string body = name + data;
    return big_endian(data.size()) + body +
           big_endian(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
}

// Lines with their filters before them, in two pieces.
std::string png(const std::string& lines, std::size_t height, std::size_t width = pixels) {
    std::string packed(compressBound(lines.size()), '\0');
    uLongf size = packed.size();
    compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(lines.data()),
             lines.size());
    packed.resize(size);
    const std::size_t half = size / 2;
    return "\x89PNG\r\n\x1a\n" +
           chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5)) +
           chunk("IDAT", packed.substr(0, half)) + chunk("IDAT", packed.substr(half)) + chunk("IEND", "");
}

// A line as the filter leaves it: the first pixel is 10, 20, 30, and every byte what the filter expects, and 0, 0, 1
// more.
std::string filtered(int filter) {
    std::string line(1, static_cast<char>(filter));
    line += std::string("\x0A\x14\x1E", 3);
    for (std::size_t p = 1; p < pixels; ++p) line += std::string("\0\0\1", 3);
    return line;
}

energy_plugin::Words words(const Folder& folder, const std::string& levels = "255") {
    return {{"folder", folder.path().string()}, {"levels", levels}, {"validation", "1"}};
}

void write_all(const Folder& folder, const std::string& bytes) {
    for (const char* batch : batches) folder.write(std::string(batch) + ".bin", bytes);
}

std::string refused_png(const std::string& bytes) {
    const Folder folder;
    folder.write("data_batch_1.png", bytes);
    return refusal("cifar10", words(folder), folder);
}

const std::string remedy = "; remove it and fetch it with: marginalia data get cifar10";

}  // namespace

TEST_CASE("records: channels of a pixel side by side, splits, levels, grey") {
    const Folder folder;
    write_all(folder, record(3, 255, 128, 0));
    const auto colour = make("cifar10", words(folder, "4"));
    CHECK(colour->sites() == 3072);
    CHECK(colour->layout().shape == std::vector<std::int64_t>{32, 32, 3});
    CHECK(colour->size(Split::train) == 4);
    CHECK(colour->size(Split::validation) == 1);
    CHECK(colour->size(Split::test) == 1);
    const auto row = row_of(*colour, Split::validation, 0);
    CHECK(std::vector(row.begin(), row.begin() + 3) == std::vector<std::uint8_t>{3, 2, 0});
    CHECK(std::vector(row.end() - 3, row.end()) == std::vector<std::uint8_t>{0, 0, 0});
    CHECK_THROWS_WITH(row_of(*colour, Split::test, 1), "there is no row 1; the split has 1");
    auto grey_words = words(folder);
    grey_words["grey"] = "true";
    const auto grey = make("cifar10", grey_words);
    CHECK(grey->layout().shape == std::vector<std::int64_t>{32, 32});
    CHECK(int{row_of(*grey, Split::test, 0)[0]} == 151 * 255 / 256);  // 0.299 255 + 0.587 128 = 151.4
    for (const std::uint8_t level : row_of(*make("cifar10", words(folder, "255")), Split::train, 0)) CHECK(level < 255);
}

TEST_CASE("lines of a PNG file: all five filters") {
    const Folder folder;
    write_all(folder, record(0, 1, 1, 1));
    fs::remove(folder / "test_batch.bin");
    std::string lines;
    for (const int filter : {0, 1, 2, 3, 4}) lines += filtered(filter);
    folder.write("test_batch.png", png(lines, 5));
    const auto data = make("cifar10", words(folder, "255"));
    CHECK(data->size(Split::test) == 5);
    const auto level = [](int byte) { return byte * 255 / 256; };
    // Of the second pixel: nothing, the one before it, the one above, their mean, the one of Paeth.
    const std::vector<std::vector<int>> first{{10, 20, 30}, {10, 20, 30}, {20, 40, 60}, {20, 40, 60}, {30, 60, 90}};
    const std::vector<std::vector<int>> second{{0, 0, 1}, {10, 20, 31}, {10, 20, 32}, {15, 30, 47}, {30, 60, 91}};
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        const auto row = row_of(*data, Split::test, i);
        for (std::size_t c = 0; c < 3; ++c) {
            CHECK(int{row[c]} == level(first[i][c]));
            CHECK(int{row[3 + c]} == level(second[i][c]));
        }
    }
}

TEST_CASE("what is no batch is refused") {
    const Folder folder;
    write_all(folder, record(3, 1, 2, 3) + "x");
    CHECK(refusal("cifar10", words(folder), folder) ==
          "data_batch_1.bin: the file has 3074 bytes, which are no whole number of records of 3,073; give a batch of "
          "CIFAR-10's binary version");
    write_all(folder, record(3, 1, 2, 3) + record(10, 1, 2, 3));
    CHECK(refusal("cifar10", words(folder), folder) ==
          "data_batch_1.bin: byte 3073: class 10 of a record, and there are ten, from 0; give a batch of CIFAR-10's "
          "binary version");
    auto all_for_validation = words(folder);
    write_all(folder, record(3, 1, 2, 3));
    all_for_validation["validation"] = "5";
    CHECK(refusal("cifar10", all_for_validation, folder) ==
          "validation = 5 leaves no picture of the 5 for training; lower it");
    const std::string whole = png(filtered(0), 1);
    CHECK(refused_png("GIF89a") == "data_batch_1.png: it is no PNG file" + remedy);
    CHECK(refused_png(png(filtered(0), 1, 512)) ==
          "data_batch_1.png: it has no pictures of 32 x 32 in lines of 1,024 pixels of red, green and blue" + remedy);
    CHECK(refused_png(png(filtered(0), 2)) == "data_batch_1.png: its pixels end early" + remedy);
    CHECK(refused_png(png(filtered(7), 1)) == "data_batch_1.png: its pixels are damaged" + remedy);
    CHECK(refused_png(whole.substr(0, whole.size() - 14)) == "data_batch_1.png: it ends early" + remedy);
    CHECK(refused_png("").starts_with("data_batch_1.png: the file is empty"));
}

}  // namespace datasets_cifar10
