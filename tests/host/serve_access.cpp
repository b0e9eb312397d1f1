// Who may ask `marginalia serve`, and how questions are read.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "kernel/host/serve/access.h"
#include "kernel/host/serve/question.h"
#include "tests/store/store_testing.h"

namespace serve_access {

using namespace marginalia::serve;
using marginalia::store::TemporaryFolder;

Request request(const std::string& target, const std::string& host = "localhost:8420") {
    return {.method = "GET", .target = target, .host = host, .authorization = "", .cookie = "", .site = ""};
}

int status_of(const Access& access, const Request& request) {
    const auto refused = access.refuse(request);
    return refused ? refused->status : 200;
}

TEST_CASE("on this machine, a request must come by a name of this machine") {
    const Access access("", 8420, true);
    for (const char* host :
         {"localhost", "localhost:8420", "LOCALHOST:9000", "127.0.0.1:8420", "127.1.2.3", "[::1]:8420"})
        CHECK_MESSAGE(status_of(access, request("/", host)) == 200, host);
    for (const char* host :
         {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8420", "127.evil.example", "[::2]:8420",
          "[", "[::1", "192.168.1.5:8420", "localhost@evil.example", ":8420"})
        CHECK_MESSAGE(status_of(access, request("/", host)) == 403, host);
}

TEST_CASE("nothing is answered but GET and HEAD, and no other site's page") {
    const Access access("", 8420, true);
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", ""}) {
        Request asked = request("/");
        asked.method = method;
        CHECK_MESSAGE(status_of(access, asked) == 405, method);
    }
    Request other = request("/api/store");
    other.site = "cross-site";
    CHECK(status_of(access, other) == 403);
    other.target = "/";  // somebody may follow a link
    CHECK(status_of(access, other) == 200);
}

TEST_CASE("a token is taken from the address, the cookie or the header, and from nowhere else") {
    const std::string token = random_token();
    CHECK(token.size() == 32);
    CHECK(random_token() != token);
    const Access access(token, 8420, false);
    CHECK(status_of(access, request("/api/store", "node1:8420")) == 401);
    CHECK(status_of(access, request("/?token=" + token, "node1:8420")) == 200);
    CHECK(status_of(access, request("/?token=", "node1:8420")) == 401);
    CHECK(status_of(access, request("/?token=" + token + "0")) == 401);
    CHECK(status_of(access, request("/?token=" + token.substr(1))) == 401);
    CHECK(status_of(access, request("/?token=%")) == 401);
    CHECK(access.cookie_for(request("/?token=" + token)) ==
          "marginalia_8420=" + token + "; Path=/; HttpOnly; SameSite=Strict");
    CHECK(access.cookie_for(request("/?token=x")).empty());
    Request asked = request("/api/store");
    asked.cookie = "a=b; marginalia_8420=" + token;
    CHECK(status_of(access, asked) == 200);
    asked.cookie = "marginalia_8421=" + token;  // of another server of this host
    CHECK(status_of(access, asked) == 401);
    asked.cookie = "marginalia_8420=";
    CHECK(status_of(access, asked) == 401);
    asked.authorization = "Bearer " + token;
    CHECK(status_of(access, asked) == 200);
    asked.authorization = "Basic " + token;
    CHECK(status_of(access, asked) == 401);
}

TEST_CASE("a file for the token is made for its owner alone, and refused where others may read it") {
    TemporaryFolder folder;
    const std::string token = token_in(folder / "token");
    CHECK(token_in(folder / "token") == token);
    struct stat info{};
    REQUIRE(::stat((folder / "token").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    REQUIRE(::chmod((folder / "token").c_str(), 0644) == 0);
    const std::string file = (folder / "token").string();
    CHECK_THROWS_WITH(
        token_in(folder / "token"),
        ("others may read the token in " + file + "; chmod 600 " + file + " and write a new one into it").c_str());
    std::ofstream(folder / "short") << "abc\n";
    REQUIRE(::chmod((folder / "short").c_str(), 0600) == 0);
    CHECK_THROWS_WITH(token_in(folder / "short"), doctest::Contains("is not a token; it has 16 to 200 letters"));
}

TEST_CASE("a question is decoded once, and says what is wrong with it") {
    const Question question("/api/curves?metric=a%20b%2B%C3%A4&trials=1,%202&points=50&metric=second&&x&where=k+%3C+1");
    CHECK(question.path() == "/api/curves");
    CHECK(question.text("metric") == "a b+\xc3\xa4");
    CHECK(question.text("where") == "k < 1");
    CHECK(question.has("x"));
    CHECK(question.numbers("trials", 2) == std::vector<std::int64_t>{1, 2});
    CHECK(question.number("points", 2, 50) == 50);
    CHECK(!question.number("from", 0, 1));
    CHECK(Question("/%2e%2e/%2525").path() == "/../%25");
    CHECK_THROWS_WITH(Question("/a?b=%4"), "the address has a % that two hexadecimal digits do not follow");
    CHECK_THROWS_WITH(Question("/a?b=%zz"), "the address has a % that two hexadecimal digits do not follow");
    CHECK_THROWS_WITH(question.numbers("trials", 1), "trials has 2 numbers; ask for at most 1 at once");
    CHECK_THROWS_WITH(question.numbers("where", 1), "where=k < 1 is not a list of numbers like 1,2,3");
    CHECK_THROWS_WITH(question.number("points", 2, 49), "points=50 is not a whole number from 2 to 49");
    CHECK_THROWS_WITH(question.needed_text("y"), "/api/curves needs ?y=");
    CHECK_THROWS_WITH(Question("/x?trials=9223372036854775808").numbers("trials", 9),
                      "trials=9223372036854775808 is not a list of numbers like 1,2,3");
}

}  // namespace serve_access
