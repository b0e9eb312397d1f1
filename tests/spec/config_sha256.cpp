#include <doctest/doctest.h>

#include <fstream>

#include <unistd.h>

#include <marginalia/error.h>

#include "kernel/base/digest.h"

using namespace marginalia;

TEST_CASE("the digests of FIPS 180-4") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("bytes taken in pieces of any size give the same digest") {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7);
    for (const std::size_t piece : {1, 3, 55, 56, 63, 64, 65, 200}) {
        Digest digest("SHA256");
        for (std::size_t at = 0; at < text.size(); at += piece) digest.update(std::string_view(text).substr(at, piece));
        CHECK(digest.hex() == sha256_hex(text));
    }
}

TEST_CASE("a file has the digest of its bytes; one that is not there is an error") {
    const auto path = std::filesystem::temp_directory_path() / ("marginalia-sha256-" + std::to_string(getpid()));
    std::ofstream(path, std::ios::binary) << std::string(1000000, 'a');
    CHECK(sha256_of_file(path) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    std::filesystem::remove(path);
    CHECK_THROWS_AS(sha256_of_file(path), Error);
    CHECK_THROWS_AS(sha256_of_file(std::filesystem::temp_directory_path()), Error);
}
