#include "kernel/host/slurm/hand_over.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "store/store.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double rest = 10;  // seconds between copies for one that a copy takes

bool reaches_the_disk(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0) ::close(descriptor);
    return done;
}

// A thread that starts while this lives takes no signals.
class NoSignals {
public:
    NoSignals() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    NoSignals(const NoSignals&) = delete;

private:
    sigset_t before_;
};

}  // namespace

void put_in_place(const fs::path& from, const fs::path& to) {
    const fs::path part = to.string() + ".part";
    std::error_code error;
    fs::copy_file(from, part, fs::copy_options::overwrite_existing, error);
    if (!error && !reaches_the_disk(part)) error = std::make_error_code(std::errc::io_error);
    if (!error) fs::rename(part, to, error);
    if (error) throw Error(fmt::format("{} cannot be written: {}", to.string(), error.message()));
}

HandOver::HandOver(fs::path store, fs::path to, double seconds)
    : store_(std::move(store)), to_(std::move(to)), seconds_(seconds) {
    const NoSignals none;
    thread_ = std::thread([this] { serve(); });
}

HandOver::~HandOver() { end(); }

void HandOver::finish() {
    end();
    copy();
}

void HandOver::end() {
    {
        std::lock_guard lock(mutex_);
        end_ = true;
        ended_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void HandOver::serve() {
    double wait = seconds_;
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, std::chrono::duration<double>(wait), [&] { return end_; })) {
        lock.unlock();
        const auto began = Clock::now();
        try {
            copy();
        } catch (const std::exception& error) {  // there will be another one
            std::fprintf(stderr, "not handed over: %s\n", error.what());
        }
        wait = std::max(seconds_, rest * std::chrono::duration<double>(Clock::now() - began).count());
        lock.lock();
    }
}

// By way of a file beside the store: where it goes SQLite could not lock.
void HandOver::copy() const {
    const fs::path whole = store_.string() + ".whole";
    std::error_code ignored;
    fs::remove(whole, ignored);
    store::Store::open(store_).copy_to(whole);  // a reader may not write the copy either
    put_in_place(whole, to_);
    fs::remove(whole, ignored);
}

}  // namespace marginalia
