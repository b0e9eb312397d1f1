#include "kernel/host/serve/server.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>

#include "kernel/base/printable.h"
#include "kernel/host/serve/connection.h"

namespace marginalia::serve {
namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using boost::system::error_code;

constexpr int usual_port = 8420, ports_tried = 20;
constexpr std::size_t threads = 4, most_connections = 256, most_streams = 32;
constexpr std::size_t most_waiting_bytes = 64 << 20;  // of answers that clients have not read
constexpr auto between_heartbeats = std::chrono::seconds(15);
constexpr auto pause_after_failure = std::chrono::milliseconds(100);

net::ip::address address_named(const std::string& name) {
    error_code error;
    const net::ip::address address = net::ip::make_address(name == "localhost" ? "127.0.0.1" : name, error);
    if (error)
        throw Error(
            fmt::format("'{}' is not an address; --address takes one of this machine, such as 192.168.1.5, or 0.0.0.0 "
                        "for all of them",
                        printable(name)));
    return address;
}

error_code listen_at(tcp::acceptor& acceptor, const tcp::endpoint& place) {
    error_code error;
    acceptor.open(place.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(place, error);
    if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
    if (error) acceptor.close();
    return error;
}

tcp::acceptor listening(net::io_context& io, const std::string& name, std::optional<int> port) {
    const net::ip::address address = address_named(name);
    tcp::acceptor acceptor(io);
    const int first = port.value_or(usual_port), last = port ? *port : first + ports_tried - 1;
    error_code error;
    for (int number = first; number <= last; ++number) {
        error = listen_at(acceptor, {address, static_cast<std::uint16_t>(number)});
        if (!error) return acceptor;
        if (error != net::error::address_in_use) break;
    }
    throw Error(fmt::format(
        "cannot listen at {} port {}: {}; choose another by --port, or any free one by --port 0", address.to_string(),
        first == last ? std::to_string(first) : fmt::format("{} to {}", first, last), error.message()));
}

}  // namespace

Server::Server(const std::string& address, std::optional<int> port)
    : acceptor_(listening(io_, address, port)), signals_(io_, SIGINT, SIGTERM), heartbeat_(io_), pause_(io_),
      pool_(threads) {}

Server::~Server() = default;

int Server::port() const { return acceptor_.local_endpoint().port(); }

bool Server::is_loopback() const { return acceptor_.local_endpoint().address().is_loopback(); }

int Server::run(Service service) {
    service_ = std::move(service);
    signals_.async_wait([this](const error_code& error, int signal) {
        if (!error) stop(signal);
    });
    accept();
    keep_streams();
    io_.run();
    pool_.join();
    return signal_;
}

void Server::stop(int signal) {
    signal_ = signal;
    signals_.clear();  // from now on they do what they do by themselves
    pool_.stop();
    io_.stop();
}

void Server::accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
        if (!error) {
            admit(std::move(socket));
            return accept();
        }
        pause_.expires_after(pause_after_failure);  // out of descriptors, most likely
        pause_.async_wait([this](const error_code&) { accept(); });
    });
}

// Where there are too many, the one that has had the longest time to ask, and has not, makes room.
void Server::admit(tcp::socket socket) {
    if (connections_.size() >= most_connections) {
        const auto idle = [](const Connection* connection) { return connection->reads_since(); };
        Connection* oldest = *std::ranges::min_element(connections_, {}, idle);
        if (oldest->reads_since() == Connection::Clock::time_point::max()) return;
        oldest->close();
    }
    std::make_shared<Connection>(std::move(socket), *this)->read();
}

void Server::keep_streams() {
    heartbeat_.expires_after(between_heartbeats);
    heartbeat_.async_wait([this](const error_code& error) {
        if (error) return;
        for (Connection* connection : connections_) connection->tell(":\n\n");
        keep_streams();
    });
}

void Server::tell(const std::string& event) {
    net::post(io_, [this, event] {
        for (Connection* connection : connections_) connection->tell(event);
    });
}

void Server::enter(Connection& connection) { connections_.insert(&connection); }

void Server::leave(Connection& connection) { connections_.erase(&connection); }

bool Server::may_stream() const {
    return std::ranges::count_if(connections_, &Connection::is_stream) < static_cast<std::ptrdiff_t>(most_streams);
}

void Server::ask(Request request, std::function<void(Answer)> take) {
    net::post(pool_, [this, request = std::move(request), take = std::move(take)]() mutable {
        net::post(io_,
                  [answer = service_.answer(request), take = std::move(take)]() mutable { take(std::move(answer)); });
    });
}

bool Server::take_room(std::size_t bytes) {
    if (waiting_bytes_ + bytes > most_waiting_bytes) return false;
    waiting_bytes_ += bytes;
    return true;
}

}  // namespace marginalia::serve
