#include "kernel/host/serve/serve.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <iostream>

#include "kernel/base/printable.h"
#include "kernel/host/serve/access.h"
#include "kernel/host/serve/answers.h"
#include "kernel/host/serve/server.h"
#include "kernel/host/serve/watch.h"

namespace marginalia::serve {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

std::string address_for_people(const std::string& address, int port, const std::string& token) {
    const bool is_any = address == "0.0.0.0" || address == "::";
    std::string host = is_any ? host_name() : address;
    if (host.find(':') != host.npos) host = "[" + host + "]";
    return fmt::format("http://{}:{}/{}", host, port, token.empty() ? "" : "?token=" + token);
}

}  // namespace

int serve(const std::filesystem::path& store, const Options& options, std::ostream& out) {
    // An answer is made of millions of small pieces, and the arenas of threads other than main's grow page by page.
    ::mallopt(M_ARENA_MAX, 1);
    store::Store::open_to_read(store);
    Server server(options.address, options.port);
    std::string token;
    if (!options.token_file.empty()) token = token_in(options.token_file);
    else if (!server.is_loopback()) token = random_token();
    const Access access(token, server.port(), server.is_loopback());
    Answers answers(store);
    Watch watch(store, [&] { server.tell(event_of(watch.revision())); });
    out << address_for_people(options.address, server.port(), token) << std::endl;
    std::cerr << fmt::format("{} is shown there as it changes, read-only; Ctrl-C ends it\n", printable(store.string()));
    if (!server.is_loopback())
        std::cerr << "who has this address can read the store; what goes over the network is not encrypted\n";
    const int signal = server.run({[&](const Request& request) { return access.refuse(request); },
                                   [&](const Request& request) {
                                       Answer answer = answers.to(request, watch.revision());
                                       answer.cookie = access.cookie_for(request);
                                       return answer;
                                   }});
    return 128 + signal;
}

}  // namespace marginalia::serve
