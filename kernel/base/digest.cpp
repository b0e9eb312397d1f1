#include "kernel/base/digest.h"

#include <marginalia/error.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <vector>

namespace marginalia {
namespace {

constexpr const char *sha256 = "SHA256", *md5 = "MD5";

std::string hex_of(const char* method, std::string_view bytes) {
    Digest digest(method);
    digest.update(bytes);
    return digest.hex();
}

std::string of_file(const char* method, const std::filesystem::path& path) {
    // Of a pipe the open would wait for a writer.
    std::error_code unknown;
    std::ifstream file;
    if (std::filesystem::is_regular_file(path, unknown)) file.open(path, std::ios::binary);
    Digest digest(method);
    std::vector<char> buffer(1 << 16);
    while (file.is_open() &&
           (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0))
        digest.update({buffer.data(), static_cast<std::size_t>(file.gcount())});
    if (!file.is_open() || !file.eof())
        throw Error("cannot read '" + path.string() + "' to compute its " + (method == md5 ? "MD5" : "SHA-256") +
                    "; check that it is a readable file");
    return digest.hex();
}

}  // namespace

struct Digest::Context {
    EVP_MD_CTX* const evp = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(evp); }
};

Digest::Digest(const char* method) : context_(std::make_unique<Context>()), method_(method) {
    check(EVP_DigestInit_ex(context_->evp, EVP_get_digestbyname(method), nullptr));
}

Digest::~Digest() = default;

void Digest::check(int result) const {
    if (result != 1) throw Error(std::string("OpenSSL does not compute ") + method_ + " here; see its openssl.cnf");
}

void Digest::update(std::string_view bytes) { check(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size())); }

std::string Digest::bytes() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_->evp, bytes.data(), &size));
    return {bytes.begin(), bytes.begin() + size};
}

std::string Digest::hex() {
    std::string digits;
    for (const unsigned char byte : bytes()) (digits += "0123456789abcdef"[byte >> 4]) += "0123456789abcdef"[byte & 15];
    return digits;
}

std::string sha256_bytes(std::string_view bytes) {
    Digest digest(sha256);
    digest.update(bytes);
    return digest.bytes();
}

std::string sha256_hex(std::string_view bytes) { return hex_of(sha256, bytes); }
std::string md5_hex(std::string_view bytes) { return hex_of(md5, bytes); }
std::string sha256_of_file(const std::filesystem::path& path) { return of_file(sha256, path); }
std::string md5_of_file(const std::filesystem::path& path) { return of_file(md5, path); }

}  // namespace marginalia
