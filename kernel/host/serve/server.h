// The server: connections on one thread, answers on a few others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "kernel/host/serve/http.h"

namespace marginalia::serve {

class Connection;

// What is asked, and answered.
struct Service {
    std::function<std::optional<Answer>(const Request&)> refuse;  // before anything is done; on the server's thread
    std::function<Answer(const Request&)> answer;                 // on any of its others, several at a time
};

// A client that is slow, or means harm, costs others nothing but its place among the connections, and that only until
// somebody else needs it: bytes are read and written as they come, and a question goes to a thread when it is whole.
class Server {
public:
    // Listens, on the first free port from `usual_port` on where none is named; 0: any. Throws Error where it cannot.
    // `address`: of this machine, as numbers, or localhost.
    Server(const std::string& address, std::optional<int> port);
    ~Server();

    int port() const;
    bool is_loopback() const;

    // Answers until SIGINT or SIGTERM comes, and returns which. A second one ends the process at once.
    int run(Service service);

    // Sends an event to all streams. From any thread.
    void tell(const std::string& event);

    // For connections, on the thread of run().
    void enter(Connection& connection);
    void leave(Connection& connection);
    const Service& service() const { return service_; }
    void ask(Request request, std::function<void(Answer)> take);
    bool may_stream() const;            // there are not too many streams
    bool take_room(std::size_t bytes);  // for an answer; false: too much waits to be read by clients already
    void give_room(std::size_t bytes) { waiting_bytes_ -= bytes; }

private:
    void accept();
    void admit(boost::asio::ip::tcp::socket socket);
    void keep_streams();
    void stop(int signal);

    Service service_;
    std::set<Connection*> connections_;
    std::size_t waiting_bytes_ = 0;
    int signal_ = 0;
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer heartbeat_, pause_;
    boost::asio::thread_pool pool_;
};

}  // namespace marginalia::serve
