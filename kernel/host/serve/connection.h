// One client's connection.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "kernel/host/serve/server.h"

namespace marginalia::serve {

// Reads a request, answers it, and so on; or becomes a stream of events. All on the server's thread. It lives as long
// as something is to come of it.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Clock = std::chrono::steady_clock;

    Connection(boost::asio::ip::tcp::socket socket, Server& server);
    ~Connection();

    void read();   // the next request
    void close();  // nothing comes of it any more

    // Sends an event if this is a stream. Of those that come while the client has not taken the last, the newest stays.
    void tell(const std::string& event);
    bool is_stream() const { return is_stream_; }

    // Since when its next request is waited for; time_point::max() while there is something to do for it.
    Clock::time_point reads_since() const { return reads_since_; }

private:
    using Error = boost::system::error_code;
    void take_request(const Error& error);
    void take_answer(Answer answer);
    void send(Answer answer);
    void sent(const Error& error);
    void begin_stream(const Answer& answer);
    void write_event();
    void await_end();

    Server& server_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
    std::optional<boost::beast::http::response<boost::beast::http::string_body>> response_;
    std::size_t room_ = 0;  // taken for the response
    bool keep_alive_ = false, head_only_ = false, is_stream_ = false, writing_ = false;
    Clock::time_point reads_since_ = Clock::time_point::max();
    std::string written_, next_;  // of a stream: what is being written, and what follows
    std::array<char, 4096> beyond_;
    std::size_t passed_over_ = 0;
};

}  // namespace marginalia::serve
