// Who may ask.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "kernel/host/serve/http.h"

namespace marginalia::serve {

// 128 random bits in hexadecimal. Throws Error where the system has none.
std::string random_token();

// The token in a file, which is made, for its owner alone, if it is not there. Throws Error where the file cannot be
// read or written, others may read it, or what it holds is no token: 16 to 200 characters, no blanks among them.
std::string token_in(const std::filesystem::path& file);

// What is refused, whoever asks: methods that would change something, and other sites' pages, by whatever name they
// reach this server (DNS rebinding).
class Access {
public:
    // `token`: without it nothing is answered; empty: all who reach the server may ask. `port`: names the cookie, as
    // cookies of all ports of a host are one. `loopback`: the Host of a request must then be this machine by a name
    // that nobody else can have.
    Access(std::string token, int port, bool loopback);

    // nullopt: it may be answered.
    std::optional<Answer> refuse(const Request& request) const;

    // What keeps the token that the target of this request has, so that the page's own requests have it too; empty:
    // there is none.
    std::string cookie_for(const Request& request) const;

private:
    bool has_token(const Request& request) const;
    bool is_token(const std::string& text) const;

    std::string token_, cookie_name_;
    bool loopback_;
};

}  // namespace marginalia::serve
