#include "kernel/host/serve/access.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "kernel/base/digest.h"
#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/serve/question.h"

namespace marginalia::serve {
namespace {

constexpr std::size_t least_token = 16, most_token = 200;

// Takes as long whatever of them is alike.
bool same_secret(const std::string& a, const std::string& b) {
    const std::string left = sha256_bytes(a), right = sha256_bytes(b);
    unsigned differing = 0;
    for (std::size_t i = 0; i < left.size(); ++i) differing |= static_cast<unsigned char>(left[i] ^ right[i]);
    return differing == 0;
}

// "[::1]:8420" -> "::1".
std::string name_of_host(const std::string& host) {
    if (!host.starts_with('[')) return host.substr(0, host.find(':'));
    const std::size_t end = host.find(']');
    return end == host.npos ? std::string() : host.substr(1, end - 1);
}

// By whichever port: it may have been forwarded (ssh -L).
bool is_this_machine(const std::string& host) {
    std::string name = name_of_host(host);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool is_address = name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos;
    return is_address || name == "::1" || name == "localhost";
}

// The value of one of "a=1; b=2".
std::string cookie_named(const std::string& cookies, const std::string& name) {
    std::string_view rest = cookies;
    while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find("; "));
        rest.remove_prefix(std::min(one.size() + 2, rest.size()));
        if (one.starts_with(name + "=")) return std::string(one.substr(name.size() + 1));
    }
    return {};
}

std::string token_of_target(const std::string& target) {
    try {
        return Question(target).text("token");
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

std::string random_token() {
    std::array<unsigned char, 16> bytes;
    if (::getentropy(bytes.data(), bytes.size()) != 0)
        throw Error(fmt::format("the system gives no random bytes for a token: {}", std::strerror(errno)));
    std::string token;
    for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
    return token;
}

std::string token_in(const std::filesystem::path& file) {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) {
        OutputFile made(file, "--token-file", 0600);
        made.stream() << random_token() << '\n';
        made.commit();
    } else if ((info.st_mode & 077) != 0) {
        throw Error(fmt::format("others may read the token in {0}; chmod 600 {0} and write a new one into it",
                                printable(file.string())));
    }
    std::ifstream in(file);
    std::string token;
    if (!std::getline(in, token)) throw Error(fmt::format("cannot read a token in {}", printable(file.string())));
    const bool is_plain =
        std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7F && !std::strchr(";,\"\\&#%+", c); });
    if (!is_plain || token.size() < least_token || token.size() > most_token)
        throw Error(fmt::format("the first line of {} is not a token; it has {} to {} letters, digits, '-' and '_'",
                                printable(file.string()), least_token, most_token));
    return token;
}

Access::Access(std::string token, int port, bool loopback)
    : token_(std::move(token)), cookie_name_(fmt::format("marginalia_{}", port)), loopback_(loopback) {}

std::optional<Answer> Access::refuse(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD")
        return refusal(405, "this server only reads the store: GET and HEAD are all that it answers");
    if (loopback_ && !is_this_machine(request.host))
        return refusal(403, "this server is for this machine alone; open it as localhost or 127.0.0.1");
    if (request.site == "cross-site" && request.target.starts_with("/api/"))
        return refusal(403, "this server answers its own page, no other site's");
    if (!token_.empty() && !has_token(request))
        return refusal(401, "the token is missing or wrong; open the address that `marginalia serve` printed");
    return std::nullopt;
}

bool Access::is_token(const std::string& text) const { return !text.empty() && same_secret(text, token_); }

bool Access::has_token(const Request& request) const {
    constexpr std::string_view bearer = "Bearer ";
    if (request.authorization.starts_with(bearer) && is_token(request.authorization.substr(bearer.size()))) return true;
    return is_token(cookie_named(request.cookie, cookie_name_)) || is_token(token_of_target(request.target));
}

std::string Access::cookie_for(const Request& request) const {
    if (token_.empty() || !is_token(token_of_target(request.target))) return {};
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict", cookie_name_, token_);
}

}  // namespace marginalia::serve
