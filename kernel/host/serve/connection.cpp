#include "kernel/host/serve/connection.h"

#include <boost/asio/write.hpp>
#include <utility>

#include "kernel/host/page/html.h"

namespace marginalia::serve {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t most_of_a_head = 16 << 10, most_of_a_target = 8000;  // bytes
// For a request, for a client to take an answer, for it to take an event, and for it to end when it was answered.
constexpr auto time_to_ask = std::chrono::seconds(15), time_to_read = std::chrono::seconds(60),
               time_for_event = std::chrono::seconds(30), time_to_end = std::chrono::seconds(2);
constexpr std::size_t most_passed_over = 1 << 20;  // bytes
constexpr std::size_t always_room = 64 << 10;      // bytes: so small an answer never waits for others

std::string field(const http::request<http::empty_body>& request, http::field name) {
    return std::string(request[name]);
}

Request request_of(const http::request<http::empty_body>& request) {
    return {std::string(request.method_string()), std::string(request.target()),
            field(request, http::field::host),    field(request, http::field::authorization),
            field(request, http::field::cookie),  std::string(request["Sec-Fetch-Site"])};
}

template <class Message>
void set_headers(Message& message, const Answer& answer) {
    static const std::string policy = page::served_policy();
    message.set(http::field::content_type, answer.type);
    message.set(http::field::cache_control, "no-store");
    message.set("Content-Security-Policy", policy);
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Referrer-Policy", "no-referrer");
    message.set("Cross-Origin-Resource-Policy", "same-origin");
    if (answer.status == 401) message.set(http::field::www_authenticate, "Bearer");
    if (answer.status == 405) message.set(http::field::allow, "GET, HEAD");
    if (!answer.cookie.empty()) message.set(http::field::set_cookie, answer.cookie);
}

// What is said of a request that is none; nullopt: nobody is there to hear it.
std::optional<Answer> refusal_of(const boost::system::error_code& error) {
    if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return refusal(431, "the request's head is longer than 16 KiB");
    if (error.category() == http::make_error_code(http::error::bad_method).category())
        return refusal(400, "this is no HTTP request: " + error.message());
    return std::nullopt;
}

}  // namespace

Connection::Connection(net::ip::tcp::socket socket, Server& server)
    : server_(server), stream_(std::move(socket)), buffer_(2 * most_of_a_head) {
    server_.enter(*this);
}

Connection::~Connection() {
    server_.give_room(room_);
    server_.leave(*this);
}

void Connection::close() {
    reads_since_ = Clock::time_point::max();
    boost::system::error_code ignored;
    stream_.socket().shutdown(net::ip::tcp::socket::shutdown_both, ignored);
    stream_.close();
}

void Connection::read() {
    reads_since_ = Clock::now();
    parser_.emplace();
    parser_->header_limit(most_of_a_head);
    stream_.expires_after(time_to_ask);
    http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](const Error& error, std::size_t) {
        self->take_request(error);
    });
}

void Connection::take_request(const Error& error) {
    reads_since_ = Clock::time_point::max();
    keep_alive_ = false;
    head_only_ = false;
    if (error) {
        if (std::optional<Answer> refused = refusal_of(error)) send(std::move(*refused));
        return;
    }
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    keep_alive_ = parser_->keep_alive() && !has_body;
    head_only_ = parser_->get().method() == http::verb::head;
    Request request = request_of(parser_->get());
    if (request.target.size() > most_of_a_target) return send(refusal(414, "the address is longer than 8000 bytes"));
    if (std::optional<Answer> refused = server_.service().refuse(request)) {
        keep_alive_ = false;
        return send(std::move(*refused));
    }
    stream_.expires_never();
    server_.ask(std::move(request),
                [self = shared_from_this()](Answer answer) { self->take_answer(std::move(answer)); });
}

void Connection::take_answer(Answer answer) {
    if (answer.is_stream && !head_only_) {
        if (server_.may_stream()) return begin_stream(answer);
        answer = refusal(503, "too many pages are open on this server; close one of them");
    }
    if (server_.take_room(answer.body.size())) room_ = answer.body.size();
    else if (answer.body.size() > always_room)
        answer = refusal(503, "too many answers wait to be read; ask again later");
    send(std::move(answer));
}

void Connection::send(Answer answer) {
    response_.emplace(static_cast<http::status>(answer.status), 11);
    set_headers(*response_, answer);
    response_->keep_alive(keep_alive_);
    response_->content_length(answer.body.size());
    if (!head_only_) response_->body() = std::move(answer.body);
    stream_.expires_after(time_to_read);
    http::async_write(stream_, *response_,
                      [self = shared_from_this()](const Error& error, std::size_t) { self->sent(error); });
}

void Connection::sent(const Error& error) {
    response_.reset();
    server_.give_room(std::exchange(room_, 0));
    if (error) return close();
    if (keep_alive_) return read();
    boost::system::error_code ignored;
    stream_.socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    reads_since_ = Clock::now();
    stream_.expires_after(time_to_end);
    await_end();
}

void Connection::begin_stream(const Answer& answer) {
    is_stream_ = true;
    http::response<http::empty_body> head(http::status::ok, 11);
    set_headers(head, answer);
    head.keep_alive(false);
    std::ostringstream text;
    text << head.base();
    next_ = text.str() + answer.body;
    await_end();
    write_event();
}

void Connection::tell(const std::string& event) {
    if (!is_stream_) return;
    next_ = event;
    if (!writing_) write_event();
}

void Connection::write_event() {
    writing_ = true;
    written_ = std::exchange(next_, {});
    stream_.expires_after(time_for_event);
    net::async_write(stream_, net::buffer(written_), [self = shared_from_this()](const Error& error, std::size_t) {
        self->writing_ = false;
        self->stream_.expires_never();
        if (error) return self->close();
        if (!self->next_.empty()) self->write_event();
    });
}

// What a client still sends is passed over: closed on unread bytes, a connection loses the answer on its way.
void Connection::await_end() {
    const auto take = [self = shared_from_this()](const Error& error, std::size_t bytes) {
        self->passed_over_ += bytes;
        if (error || self->passed_over_ > most_passed_over) return self->close();
        self->await_end();
    };
    if (is_stream_) stream_.socket().async_read_some(net::buffer(beyond_), take);
    else stream_.async_read_some(net::buffer(beyond_), take);
}

}  // namespace marginalia::serve
