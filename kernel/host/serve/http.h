// A question and its answer, as HTTP has them.
#pragma once

#include <cstdint>
#include <string>

namespace marginalia::serve {

// What of a request anything depends on. Foreign in all its parts.
struct Request {
    std::string method;
    std::string target;  // "/api/trial?id=1"
    std::string host, authorization, cookie;
    std::string site;  // Sec-Fetch-Site: how the page that asks is related to this server; empty: not known
};

struct Answer {
    int status = 200;
    std::string body;
    const char* type = "application/json";
    std::string cookie = {};  // to be set; empty: none
    bool is_stream = false;   // of events: `body` is the first one, and more follow
};

// {"error": "..."}, as the page expects it.
Answer refusal(int status, const std::string& sentence);

// What a stream of events says when the store has changed.
std::string event_of(std::int64_t revision);

}  // namespace marginalia::serve
