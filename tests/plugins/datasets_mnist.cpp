// The dataset `mnist`: small files made here, and the statically binarised MNIST where it is at hand.
#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <numeric>
#include <sstream>

#include "kernel/host/data/get.h"
#include "tests/plugins/dataset_testing.h"

namespace datasets_mnist {

using namespace dataset_testing;
using marginalia::Split;

namespace {

std::string number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
}

std::string idx(std::uint32_t count, std::uint32_t rows, std::uint32_t columns, const std::string& pixels,
                std::uint32_t magic = 0x803) {
    return number(magic) + number(count) + number(rows) + number(columns) + pixels;
}

// A line of 784 pixels, the first `ones` of which are 1.
std::string line(int ones, const char* divider = " ") {
    std::string text;
    for (int p = 0; p < 784; ++p) text += (p == 0 ? "" : divider) + std::string(p < ones ? "1" : "0");
    return text;
}

energy_plugin::Words words(const Folder& folder, const std::string& how, const std::string& validation = "1") {
    return {{"folder", folder.path().string()}, {"binarisation", how}, {"validation", validation}};
}

void write_idx(const Folder& folder, const std::string& train, const std::string& test) {
    folder.write("train-images-idx3-ubyte", train);
    folder.write("t10k-images-idx3-ubyte", test);
}

std::string train_refusal(const std::string& bytes, const std::string& how = "threshold") {
    const Folder folder;
    write_idx(folder, bytes, idx(1, 1, 1, "\1"));
    return refusal("mnist", words(folder, how, "0"), folder);
}

std::string amat_refusal(const std::string& text) {
    const Folder folder;
    for (const char* part : {"train", "valid"})
        folder.write(std::string("binarized_mnist_") + part + ".amat", line(1) + "\n");
    folder.write("binarized_mnist_test.amat", text);
    return refusal("mnist", words(folder, "static"), folder);
}

int ones(const std::vector<std::uint8_t>& row) { return std::accumulate(row.begin(), row.end(), 0); }

}  // namespace

TEST_CASE("idx pictures by threshold: bits, splits, layout") {
    const Folder folder;
    // Three pictures of 2 x 5; 127 is white, 128 black.
    write_idx(
        folder,
        idx(3, 2, 5, std::string("\0\x7F\x80\xFF\0\0\0\0\0\x80", 10) + std::string(10, '\xFF') + std::string(10, '\0')),
        idx(1, 2, 5, std::string(9, '\0') + '\xC0'));
    const auto mnist = make("mnist", words(folder, "threshold"));
    CHECK(mnist->sites() == 10);
    CHECK(mnist->categories() == 2);
    CHECK(mnist->layout().shape == std::vector<std::int64_t>{2, 5});
    CHECK(mnist->size(Split::train) == 2);
    CHECK(mnist->size(Split::validation) == 1);
    CHECK(mnist->size(Split::test) == 1);
    CHECK(text_of(*mnist, Split::train, 0) == "0011000001");
    CHECK(text_of(*mnist, Split::train, 1) == "1111111111");
    CHECK(text_of(*mnist, Split::validation, 0) == "0000000000");
    CHECK(text_of(*mnist, Split::test, 0) == "0000000001");
    CHECK_THROWS_WITH(text_of(*mnist, Split::test, 1), "there is no row 1; the split has 1");
}

TEST_CASE("sampled binarisation: probability grey / 255, the same row every time") {
    const Folder folder;
    constexpr int side = 100, pixels = side * side;
    std::string grey;
    for (const int value : {0, 255, 51, 204}) grey += std::string(pixels, static_cast<char>(value));
    write_idx(folder, idx(4, side, side, grey), idx(1, side, side, std::string(pixels, '\x33')));
    const auto mnist = make("mnist", words(folder, "sampled", "0"));
    CHECK(ones(row_of(*mnist, Split::train, 0)) == 0);
    CHECK(ones(row_of(*mnist, Split::train, 1)) == pixels);
    const double sigma = std::sqrt(pixels * 0.2 * 0.8);
    CHECK(std::abs(ones(row_of(*mnist, Split::train, 2)) - 0.2 * pixels) < 4 * sigma);
    CHECK(std::abs(ones(row_of(*mnist, Split::train, 3)) - 0.8 * pixels) < 4 * sigma);
    CHECK(row_of(*mnist, Split::train, 2) == row_of(*mnist, Split::train, 2));
    CHECK(row_of(*mnist, Split::train, 2) == row_of(*make("mnist", words(folder, "sampled", "0")), Split::train, 2));
    CHECK(row_of(*mnist, Split::test, 0) != row_of(*mnist, Split::train, 2));  // other draws for another file
}

TEST_CASE("amat rows: published form, and other blanks and line ends") {
    const Folder folder;
    folder.write("binarized_mnist_train.amat", line(3) + "\n" + line(784) + "\r\n" + line(5, "\t") + " \n");
    folder.write("binarized_mnist_valid.amat", line(8) + "\n");
    folder.write("binarized_mnist_test.amat", line(9) + "\n" + line(10));
    const auto mnist = make("mnist", words(folder, "static", "7"));
    CHECK(mnist->layout().shape == std::vector<std::int64_t>{28, 28});
    CHECK(mnist->size(Split::train) == 3);
    CHECK(mnist->size(Split::validation) == 1);
    CHECK(mnist->size(Split::test) == 2);
    std::vector<std::uint8_t> expected(784);
    expected[0] = expected[1] = expected[2] = 1;
    CHECK(row_of(*mnist, Split::train, 0) == expected);
    expected[3] = expected[4] = 1;
    CHECK(row_of(*mnist, Split::train, 2) == expected);
    CHECK(ones(row_of(*mnist, Split::train, 1)) == 784);
    CHECK(ones(row_of(*mnist, Split::test, 1)) == 10);
}

TEST_CASE("files packed by gzip are found beside and read") {
    const Folder folder;
    const auto pack = [&](const std::string& name, const std::string& bytes) {
        const gzFile file = gzopen((folder / name).c_str(), "wb");
        gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
        gzclose(file);
    };
    pack("train-images-idx3-ubyte.gz", idx(3, 1, 2, std::string("\xFF\0\0\xFF\xFF\xFF", 6)));
    pack("t10k-images-idx3-ubyte.gz", idx(1, 1, 2, "\xFF\xFF"));
    const auto mnist = make("mnist", words(folder, "threshold"));
    CHECK(mnist->size(Split::train) == 2);
    CHECK(row_of(*mnist, Split::train, 1) == std::vector<std::uint8_t>{0, 1});
    CHECK(row_of(*mnist, Split::test, 0) == std::vector<std::uint8_t>{1, 1});
    pack("t10k-images-idx3-ubyte.gz", idx(2, 1, 2, "\xFF\xFF"));
    CHECK(refusal("mnist", words(folder, "threshold"), folder)
              .starts_with("t10k-images-idx3-ubyte.gz: the file ends at byte 18 where 2 "));
    for (const char* part : {"train", "valid", "test"})
        pack(std::string("binarized_mnist_") + part + ".amat.gz", "\xEF\xBB\xBF" + line(3) + "\r\n");
    CHECK(ones(row_of(*make("mnist", words(folder, "static")), Split::test, 0)) == 3);
}

TEST_CASE("what is no idx file of pictures is refused") {
    const std::string again = "; remove train-images-idx3-ubyte and fetch it with: marginalia data get mnist";
    CHECK(train_refusal("") ==
          "train-images-idx3-ubyte: the file is empty; remove it and fetch it with: marginalia data get mnist");
    CHECK(train_refusal(idx(2, 3, 3, std::string(17, 'x'))) ==
          "train-images-idx3-ubyte: the file ends at byte 33 where 2 pictures of 3 x 3 end at 34" + again);
    CHECK(train_refusal(idx(2, 3, 3, std::string(19, 'x'))) ==
          "train-images-idx3-ubyte: the file ends at byte 35 where 2 pictures of 3 x 3 end at 34" + again);
    CHECK(train_refusal(number(0x803) + "abc") ==
          "train-images-idx3-ubyte: the file ends at byte 7 where its header needs 16" + again);
    CHECK(train_refusal("\x1F\x8B\x08 and so on")
              .starts_with("train-images-idx3-ubyte: cannot be read: it is packed by gzip and damaged"));
    CHECK(train_refusal("GIF89a and so on") ==
          "train-images-idx3-ubyte: byte 0: the file begins with 0x47494638 where an idx file of pictures has "
          "0x00000803" +
              again);
    CHECK(train_refusal(idx(5, 1, 1, "12345", 0x801)) ==
          "train-images-idx3-ubyte: byte 0: this idx file holds labels, not pictures" + again);
    CHECK(train_refusal(idx(0, 28, 28, "")) ==
          "train-images-idx3-ubyte: byte 4: the header says 0 pictures of 28 x 28; there must be one or more, of 1 x 1 "
          "to 4096 x 4096" +
              again);
    CHECK(train_refusal(idx(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, ""))
              .find("pictures of 4294967295 x 4294967295; there must be") != std::string::npos);
    CHECK(train_refusal(idx(1, 2, 1, "12")) ==
          "t10k-images-idx3-ubyte: its pictures are of 1 x 1 pixels, those of the training file of 2 x 1; give two "
          "files of one set");
    const Folder folder;
    write_idx(folder, idx(2, 1, 1, "12"), idx(1, 1, 1, "1"));
    CHECK(refusal("mnist", words(folder, "threshold", "2"), folder) ==
          "validation = 2 leaves no picture of the 2 in train-images-idx3-ubyte for training; lower it");
}

TEST_CASE("what is no row of 784 pixels is refused with line and column") {
    CHECK(
        amat_refusal("") ==
        "binarized_mnist_test.amat: the file is empty; remove it and fetch it with: marginalia data get mnist-static");
    CHECK(amat_refusal(line(1) + "\n" + line(2).substr(2) + "\n") ==
          "binarized_mnist_test.amat:2:1: this row has 783 pixels; each has 784, for 28 x 28");
    CHECK(amat_refusal(line(1) + " 1\n") ==
          "binarized_mnist_test.amat:1:1: this row has 785 pixels; each has 784, for 28 x 28");
    CHECK(amat_refusal(line(0) + "\n\n") ==
          "binarized_mnist_test.amat:2:1: this row has 0 pixels; each has 784, for 28 x 28");
    std::string odd = line(0);
    odd[4] = '2';
    CHECK(amat_refusal(odd) ==
          "binarized_mnist_test.amat:1:5: '2' is not a pixel; a line has 784 times 0 or 1, separated by blanks");
    odd = line(0);
    odd[5] = '0';
    CHECK(amat_refusal(odd) ==
          "binarized_mnist_test.amat:1:5: '000' is not a pixel; a line has 784 times 0 or 1, separated by blanks");
}

TEST_CASE("a missing folder says how to get the files") {
    const Folder folder;
    const energy_plugin::Words nowhere = {{"folder", folder / "none"}, {"binarisation", "threshold"}};
    CHECK(refusal("mnist", nowhere, folder) ==
          "none/train-images-idx3-ubyte: there is no such file; fetch it with: marginalia data get mnist, or set "
          "folder to where it is");
    CHECK(refusal("mnist", {{"folder", folder / "none"}}, folder) ==
          "none/binarized_mnist_train.amat: there is no such file; fetch it with: marginalia data get mnist-static, or "
          "set folder to "
          "where it is");
    fs::create_directories(folder / "train-images-idx3-ubyte");
    CHECK(refusal("mnist", words(folder, "threshold"), folder) ==
          "train-images-idx3-ubyte: cannot be read: it is a folder; give the path of a readable file");
}

TEST_CASE("the statically binarised MNIST, by `data get` into the cache and from there") {
    const std::string from = real_data("binarized_mnist_train.amat.xz");
    if (from.empty()) return;
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    std::ostringstream said;
    marginalia::data::get(marginalia::data::set_named("mnist-static"), from, cache / "mnist", said);
    const auto mnist = timed_make("mnist", {});
    // A copy that ends too early, at the end of a line.
    const fs::path test_file = cache / "mnist/binarized_mnist_test.amat";
    fs::resize_file(test_file, 15'680'000 - 1568);
    CHECK(refusal("mnist", {}, cache) ==
          "mnist/binarized_mnist_test.amat: it has 9999 rows and the published file 10000; remove it and fetch it "
          "with: marginalia data "
          "get mnist-static");
    ::unsetenv("MARGINALIA_DATA");
    // Counted by another program from the same files.
    const std::size_t sizes[] = {50000, 10000, 10000};
    const std::int64_t pixels[] = {5118041, 1028036, 1038896};
    const int first[] = {123, 90, 147}, last[] = {119, 137, 116};
    int part = 0;
    for (const Split split : {Split::train, Split::validation, Split::test}) {
        REQUIRE(mnist->size(split) == sizes[part]);
        std::int64_t all = 0;
        std::vector<std::uint8_t> row(784);
        for (std::size_t i = 0; i < mnist->size(split); ++i) {
            mnist->row(split, i, row);
            all += ones(row);
        }
        CHECK(all == pixels[part]);
        CHECK(ones(row_of(*mnist, split, 0)) == first[part]);
        CHECK(ones(row) == last[part]);
        ++part;
    }
}

}  // namespace datasets_mnist
