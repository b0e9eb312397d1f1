// SHA-256, which names trials by their config and plugin files by their bytes, and MD5, which some publishers of data
// give; both by OpenSSL.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace marginalia {

// Takes bytes piece by piece; bytes() or hex() ends the digest, and one of them may be called once. Throws Error where
// OpenSSL refuses the method, as MD5 under some policies.
class Digest {
public:
    explicit Digest(const char* method);  // "SHA256", "MD5"
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;

    void update(std::string_view bytes);
    std::string bytes();
    std::string hex();  // lower-case

private:
    void check(int result) const;
    struct Context;
    std::unique_ptr<Context> context_;
    const char* method_;
};

std::string sha256_bytes(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
std::string md5_hex(std::string_view bytes);

// Throw Error if the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);
std::string md5_of_file(const std::filesystem::path& path);

}  // namespace marginalia
