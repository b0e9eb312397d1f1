#include "kernel/host/run/user_key.h"

#include <fcntl.h>
#include <marginalia/error.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "kernel/base/digest.h"
#include "kernel/base/own_file.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t key_bytes = 64;  // a block of SHA-256

fs::path state_folder() {
    const char *state = std::getenv("XDG_STATE_HOME"), *home = std::getenv("HOME");
    if (state && *state == '/') return fs::path(state) / "marginalia";
    if (home && *home == '/') return fs::path(home) / ".local" / "state" / "marginalia";
    throw Error(
        "HOME is not set, so that there is no place for the key that marks stores as one's own; set HOME or "
        "XDG_STATE_HOME");
}

std::string fresh_key() {
    std::array<unsigned char, key_bytes / 2> bytes;
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw Error("this machine gives no random numbers");
    std::string key;
    for (const unsigned char byte : bytes) (key += "0123456789abcdef"[byte >> 4]) += "0123456789abcdef"[byte & 15];
    return key;
}

// Whole under its name or not at all; of two processes that make one at once, the first wins.
void write_key(const fs::path& file) {
    const fs::path draft = file.string() + ".new-" + std::to_string(::getpid());
    const std::string key = fresh_key();
    const int made = ::open(draft.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool whole = made >= 0 && ::write(made, key.data(), key.size()) == static_cast<ssize_t>(key.size());
    if (made >= 0) ::close(made);
    const bool placed = whole && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
    const int error = errno;
    if (made >= 0) ::unlink(draft.c_str());
    if (!placed)
        throw Error("cannot write " + file.string() +
                    ", the key that marks stores as one's own: " + std::strerror(error));
}

}  // namespace

std::string user_key() {
    try {
        const std::string key = read_own_file(state_folder() / "key", 077, key_bytes).value_or("");
        return key.size() == key_bytes ? key : "";
    } catch (const Error&) {
        return {};  // without a home nothing is one's own
    }
}

std::string make_user_key() {
    if (const std::string key = user_key(); !key.empty()) return key;
    const fs::path folder = state_folder();
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
        throw Error("cannot make the folder " + folder.string() +
                    " for the key that marks stores as one's own: " + failure.message());
    ::chmod(folder.c_str(), 0700);
    write_key(folder / "key");
    const std::string key = user_key();
    if (key.empty()) throw Error((folder / "key").string() + " is not a file that only its owner can read; remove it");
    return key;
}

std::string seal_of(const std::string& key, const std::string& text) {
    std::string inner = key, outer = key;
    for (char& c : inner) c = static_cast<char>(c ^ 0x36);
    for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
    return sha256_hex(outer + sha256_hex(inner + text));
}

}  // namespace marginalia
