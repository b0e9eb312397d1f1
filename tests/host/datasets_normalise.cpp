// `data normalise`: text the way text8 was made.
#include <doctest/doctest.h>

#include <sstream>

#include "kernel/host/data/normalise.h"
#include "tests/plugins/dataset_testing.h"

using namespace dataset_testing;
using namespace marginalia::data;

namespace {

std::string normal(const std::string& text) {
    std::istringstream in(text);
    std::ostringstream out;
    const std::uint64_t written = normalise(
        [&in](char* to, std::size_t most) {
            in.read(to, static_cast<std::streamsize>(most));
            return static_cast<std::size_t>(in.gcount());
        },
        "a text", out);
    CHECK(written == out.str().size());
    return out.str();
}

}  // namespace

TEST_CASE("letters, digits, blanks") {
    CHECK(normal("Anarchism") == " anarchism");
    CHECK(normal("  The year 1984,\n\nin A.D.!\n") == " the year one nine eight four in a d");
    CHECK(normal("0123456789") == " zero one two three four five six seven eight nine");
    CHECK(normal("x2y") == " x two y");
    CHECK(normal("caf\xC3\xA9s") == " caf s");
    CHECK_THROWS_WITH(
        normal(std::string("a\0b", 3)),
        "a text: it has a zero byte, so it is not text, or it is text in UTF-16; save it as text in UTF-8");
    CHECK(normal(normal("Once more: 7.")) == " once more seven");
}

TEST_CASE("pieces are joined as if they were one, in bounded memory") {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += "Word " + std::to_string(i) + ", ";
    TextNormaliser pieces;
    std::string joined;
    for (std::size_t at = 0; at < text.size(); at += 7) pieces.add(std::string_view(text).substr(at, 7), joined);
    CHECK(joined == normal(text));
    CHECK(joined.size() > (1 << 17));  // more than one buffer of the stream
}

TEST_CASE("files: whole or not there") {
    const Folder folder;
    const std::string from = folder.write("book.txt", "Chapter 1\n");
    CHECK(normalise_file(from, folder / "book") == 12);
    CHECK(bytes_of(folder / "book") == " chapter one");
    CHECK_THROWS_WITH(
        normalise_file(folder / "none", folder / "x"),
        (folder / "none: cannot be read: No such file or directory; give the path of a readable file").c_str());
    CHECK_THROWS_WITH(
        normalise_file(folder.path().string(), folder / "x"),
        (folder.path().string() + ": cannot be read: it is a folder; give the path of a readable file").c_str());
    CHECK_THROWS_WITH(
        normalise_file(folder.write("wide.txt", std::string("\xFF\xFEh\0", 4)), folder / "x"),
        (folder / "wide.txt: it has a zero byte, so it is not text, or it is text in UTF-16; save it as text in UTF-8")
            .c_str());
    const std::string empty = folder.write("empty.txt", " ?!\n");
    CHECK_THROWS_WITH(normalise_file(empty, folder / "x"),
                      (empty + ": there is no letter and no digit in this text; nothing is left of it").c_str());
    CHECK_THROWS_WITH(
        normalise_file(from, folder / "no/x"),
        ("the folder " + (folder / "no") + " does not exist; make it, or choose another place with --out").c_str());
    int files = 0;
    for (const auto& entry : fs::directory_iterator(folder.path())) files += entry.is_regular_file();
    CHECK(files == 4);
}

TEST_CASE("the dataset reads what comes out") {
    const Folder folder;
    std::string text;
    for (int i = 0; i < 50; ++i) text += "Line " + std::to_string(i) + " of it\n";
    const std::string file = folder / "text";
    normalise_file(folder.write("text.txt", text), file);
    const auto rows = make("text8", {{"file", file}, {"length", "15"}});
    CHECK(text_of(*rows, marginalia::Split::train, 0) == " line zero of i");
}
