// What files the SDK's readers take: text however it is marked, ended and packed, and arrays as numpy writes them.
#include <doctest/doctest.h>
#include <marginalia/files.h>
#include <marginalia/npy.h>
#include <marginalia/text_reader.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/sdk/files_testing.h"

using namespace files_testing;
using namespace marginalia;

namespace {

std::string text_of(const std::string& bytes) { return text_file(written("text.txt", bytes)); }

std::vector<std::string> lines_of(const std::string& bytes, std::size_t piece) {
    std::size_t at = 0;
    TextLines lines(
        [&](char* to, std::size_t most) {
            const std::size_t count = std::min({piece, most, bytes.size() - at});
            bytes.copy(to, count, at);
            at += count;
            return count;
        },
        "pipe");
    std::vector<std::string> found;
    for (std::string line; lines.next(line);) found.push_back(line);
    return found;
}

const std::vector<std::int32_t> six = {1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("text: marks, line ends, packing") {
    CHECK(text_of("\xEF\xBB\xBF"
                  "a\r\nb\rc\n") == "a\nb\nc\n");
    CHECK(text_of("a\r\r\nb") == "a\n\nb");
    CHECK(text_of("") == "");
    CHECK(text_of(gzipped("\xEF\xBB\xBF"
                          "a\r\nb")) == "a\nb");
    CHECK(failure([] {
              text_of(
                  "\xFF\xFE"
                  "a\0");
          }) == "text.txt: this is text in UTF-16; save it as UTF-8");
    CHECK(failure([] { text_of("\xFE\xFF\0a"); }) == "text.txt: this is text in UTF-16; save it as UTF-8");
    CHECK(failure([] { text_of(std::string("a\nb\0", 4)); }) ==
          "text.txt:2: there is a zero byte, so this is not text; save it as text in UTF-8");
    const std::string packed = gzipped(std::string(100000, 'x'));
    CHECK(failure([&] {
              text_of(packed.substr(0, packed.size() / 2));
          }).starts_with("text.txt: cannot be read: it is packed by gzip and damaged or cut short ("));
    CHECK(failure([&] {
              text_file(written("text.txt", "12345"), 4);
          }).starts_with("text.txt: cannot be read: it has more than 4 bytes"));
}

TEST_CASE("what is no plain file is refused, and nothing waits for a writer") {
    const std::string folder = std::filesystem::temp_directory_path().string(), fifo = folder + "/sdk_files_fifo";
    ::unlink(fifo.c_str());
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(failure([&] { text_file(fifo); }) == "fifo: cannot be read: it is a pipe; give the path of a readable file");
    CHECK(failure([&] { file_contents(folder); }) ==
          folder + ": cannot be read: it is a folder; give the path of a readable file");
    CHECK(failure([] { file_contents("/dev/zero"); }) ==
          "/dev/zero: cannot be read: it is a device; give the path of a readable file");
    CHECK(failure([] {
              file_contents(std::string(300, 'x'));
          }).ends_with(": cannot be read: File name too long; give the path of a readable file"));
    ::unlink(fifo.c_str());
}

TEST_CASE("lines come the same whatever pieces they are read in") {
    const std::string bytes =
        "\xEF\xBB\xBF"
        "one\r\ntwo\rthree\n\n\r\nlast";
    const std::vector<std::string> right = {"one", "two", "three", "", "", "last"};
    for (const std::size_t piece : {1, 2, 3, 4, 5, 7, 100}) CHECK(lines_of(bytes, piece) == right);
    CHECK(lines_of("", 1).empty());
    CHECK(lines_of("\n", 1) == std::vector<std::string>{""});
    CHECK(lines_of("a\r", 1) == std::vector<std::string>{"a"});
    for (const std::size_t piece : {1, 100}) {
        CHECK(failure([&] {
                  lines_of(
                      "\xFF\xFE"
                      "a",
                      piece);
              }) == "pipe: this is text in UTF-16; save it as UTF-8");
        CHECK(failure([&] { lines_of(std::string("a\nb\0c", 5), piece); }).starts_with("pipe:2: there is a zero byte"));
    }
    std::string line;
    TextLines file(written("lines.gz", gzipped("a\r\nb")));
    CHECK(file.next(line));
    CHECK(file.next(line));
    CHECK(line == "b");
    CHECK(file.number() == 2);
}

TEST_CASE("what nobody sees is spelt in messages") {
    CHECK(visible("a b") == "a b");
    CHECK(visible("\xEF\xBB\xBF"
                  "1") == "U+FEFF1");
    CHECK(visible("1\xE2\x80\xA8"
                  "0\xC2\xA0\x1B[2J\n") == "1U+20280U+00A0U+001B[2JU+000A");
    CHECK(visible("\xFF\xC3(\xED\xA0\x80") == "byte 0xFFbyte 0xC3(byte 0xEDbyte 0xA0byte 0x80");
    CHECK(visible("für □") == "für □");
    CHECK(visible(std::string(50, 'x')) == std::string(40, 'x') + "...");
    CHECK(failure([] {
              TextReader(written("odd.txt",
                                 "\xE2\x80\x8B"
                                 "5"))
                  .integer("n");
          }) == "odd.txt:1:1: n should be a whole number, not 'U+200B5'");
    CHECK(has_ending("a.PNG", ".png"));
    CHECK_FALSE(has_ending("png", ".png"));
}

TEST_CASE("comments of a line and of a line's end") {
    TextReader reader(written("comments.txt", "c first\n  c second 2\r\n1 # 7\rc\n2#3\ncc"), "", '#', 'c');
    CHECK(reader.integer("n") == 1);
    CHECK(reader.integer("n") == 2);
    CHECK(reader.at_end());
}

TEST_CASE("arrays in every order and type that numpy writes") {
    const auto values = [](const std::string& bytes) { return read_npy<double>(written("array.npy", bytes)).values; };
    const std::vector<double> right = {1, 2, 3, 4, 5, 6};
    CHECK(values(saved_array<std::int32_t>("<i4", "(2, 3)", six)) == right);
    CHECK(values(saved_array<std::int32_t>("<i4", "(2, 3)", {1, 4, 2, 5, 3, 6}, "True")) == right);
    // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4)): element (i, j, k) lies at i + 2 j + 6 k.
    std::vector<std::int32_t> cube(24);
    std::vector<double> counted(24);
    for (int i = 0; i < 24; ++i) {
        cube[static_cast<std::size_t>(i / 12 + 2 * (i / 4 % 3) + 6 * (i % 4))] = i;
        counted[static_cast<std::size_t>(i)] = i;
    }
    CHECK(values(saved_array<std::int32_t>("<i4", "(2, 3, 4)", cube, "True")) == counted);
    CHECK(values(saved_array<std::uint8_t>("|u1", "(6,)", {1, 2, 3, 4, 5, 6}, "True")) == right);
    CHECK(values(saved_array<std::uint16_t>(">u2", "(3,)", {0x0100, 0x0200, 0xFFFF})) ==
          std::vector<double>{1, 2, 65535});
    CHECK(values(saved_array<std::uint32_t>(">f4", "(2,)", {0x803F, 0xC0})) == std::vector<double>{1, -2});
    // 1, -2, 65504, the smallest above 0, infinity.
    const auto halves = values(saved_array<std::uint16_t>("<f2", "(5,)", {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00}));
    CHECK(halves == std::vector<double>{1, -2, 65504, std::ldexp(1, -24), HUGE_VAL});
    CHECK(values(saved_array<std::int64_t>("<i8", "(0, 3)", {})).empty());
    // Format 2 has a length of four bytes.
    std::string second = saved_array<std::int32_t>("<i4", "(6,)", six);
    second[6] = 2;
    second.insert(10, 2, '\0');
    CHECK(values(second) == right);
    CHECK(values(gzipped(second)) == right);
}

TEST_CASE("a .npz file of one array, stored and packed") {
    const std::string array = saved_array<std::int32_t>("<i4", "(2, 3)", six);
    for (const bool deflated : {false, true}) {
        const std::string path = written("one.npz", zipped({{"arr_0.npy", array}}, deflated));
        CHECK(read_npy<int>(path).values == std::vector<int>{1, 2, 3, 4, 5, 6});
        CHECK(read_npy<int>(path).shape == std::vector<std::int64_t>{2, 3});
        CHECK(failure(
                  [&] { read_npy<int>(written("two.npz", zipped({{"x.npy", array}, {"y.npy", array}}, deflated))); }) ==
              "two.npz: it holds 2 arrays, x.npy, y.npy; save the one that is meant by itself, as "
              "numpy.save(\"file.npy\", array)");
        std::string broken = zipped({{"arr_0.npy", array}}, deflated);
        broken[70] = static_cast<char>(broken[70] ^ 1);
        CHECK(failure([&] {
                  read_npy<int>(written("broken.npz", broken));
              }).starts_with("broken.npz: the archive is damaged: arr_0.npy "));
    }
    CHECK(failure([&] { read_npy<int>(written("none.npz", zipped({{"sheet.xml", array}}, true))); }) ==
          "none.npz: this archive holds no array; save one with numpy.savez");
    CHECK(failure([&] { read_npy<int>(written("none.npz", zipped({}, true))); }) ==
          "none.npz: this archive holds no array; save one with numpy.savez");
}

TEST_CASE("heads that are wrong are refused with a sentence") {
    const auto refused = [](const std::string& type, const std::string& shape) {
        return failure([&] { NpyFile(written("head.npy", saved_array<std::int32_t>(type, shape, six))); });
    };
    CHECK(refused("<i4", "(-2, -3)") ==
          "head.npy: the shape in its header has the side -2; save the array again with numpy.save");
    CHECK(refused("<i4", "(99999999999999999999, 1)").starts_with("head.npy: the shape (99999999999999999999, 1)"));
    CHECK(refused("<i4", "(4294967296, 4294967296)")
              .ends_with(" in its header is too large; save the array again with numpy.save"));
    CHECK(refused("<i4", "(2, 3.5)") == "head.npy: the .npy header is damaged; save the array again with numpy.save");
    CHECK(refused("<i4", "(2, 2)")
              .starts_with("head.npy: the file has 24 bytes of data where its header says 4 elements"));
    CHECK(refused("|O", "(6,)")
              .starts_with(
                  "head.npy: its elements are Python objects, which are not read, as reading them may run code"));
    CHECK(refused("<U3", "(6,)").starts_with("head.npy: elements of type '<U3' are not read"));
    CHECK(refused("<c8", "(3,)").starts_with("head.npy: elements of type '<c8' are not read"));
    std::string version = saved_array<std::int32_t>("<i4", "(6,)", six);
    version[6] = 9;
    CHECK(failure([&] {
              NpyFile(written("head.npy", version));
          }).starts_with("head.npy: the .npy format 9 is not known"));
}

// Whatever is done to a file, it is read or refused with a sentence.
TEST_CASE("mutated files") {
    const char* const rounds = std::getenv("FAULT_ROUNDS");
    const char* const seed = std::getenv("FAULT_SEED");
    const int most = rounds ? std::atoi(rounds) : 3000;
    std::mt19937 random(seed ? static_cast<unsigned>(std::atoi(seed)) : 1u);
    const std::string array = saved_array<std::int32_t>("<i4", "(2, 3)", six);
    const std::vector<std::string> good = {array, gzipped(array), zipped({{"a.npy", array}}, false),
                                           zipped({{"a.npy", array}}, true),
                                           saved_array<std::int32_t>(">i4", "(3, 2)", six, "True")};
    int answered = 0, refused = 0;
    for (int round = 0; round < most; ++round) {
        std::string bytes = good[random() % good.size()];
        for (unsigned change = 0; change < 1 + random() % 4; ++change) {
            const std::size_t at = random() % bytes.size();
            if (random() % 3 == 0) bytes.erase(at, 1 + random() % 8);
            else if (random() % 3 == 0) bytes.insert(at, 1 + random() % 4, static_cast<char>(random()));
            else bytes[at] = static_cast<char>(random() % 2 ? random() : "()'-9,:"[random() % 7]);
            if (bytes.empty()) bytes = "x";
        }
        try {
            read_npy<double>(written("mutated", bytes));
            ++answered;
        } catch (const Error& error) {
            ++refused;
            CHECK(std::string(error.what()).find("; ") != std::string::npos);
        }
    }
    CHECK(answered + refused == most);
    std::cout << "sdk_readers: " << most << " inputs, " << answered << " answered, " << refused
              << " refused, 0 faults\n";
}
