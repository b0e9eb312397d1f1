// A worker process as the host sees it: two pipes, a log file and how it ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "kernel/worker/protocol.h"

namespace marginalia {

// How a process ended, in words: "signal 11 (segmentation fault)", "exit code 2".
struct Ending {
    int signal = 0;  // 0: it exited by itself
    int code = 0;
    std::string text() const;
};

// Owns the process: it dies with this object. Its pipes never block the host; poll record_descriptor() for reading and,
// while has_unsent(), command_descriptor() for writing.
//
// Threads: one thread, the main thread: a worker dies with the thread that started it.
class WorkerProcess {
public:
    // Starts `program` with OMP_NUM_THREADS and the like set to `threads`. Throws Error if it cannot be started.
    WorkerProcess(const std::filesystem::path& program, int threads);
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    pid_t pid() const { return pid_; }
    int threads() const { return threads_; }
    int record_descriptor() const { return records_; }
    int command_descriptor() const { return commands_; }

    void send(Command command, std::string payload = {});
    bool has_unsent() const { return !unsent_.empty(); }
    void write_some();

    // Reads what has arrived and hands it over frame by frame. false: the worker closed its pipe, call wait(). Throws
    // Error where its bytes are no records.
    bool read_some(const std::function<void(Record, std::string_view)>& take);

    // Since when a record has been begun and not continued; nullopt: none has.
    std::optional<std::chrono::steady_clock::time_point> half_said() const;

    void kill();      // SIGKILL
    Ending wait();    // reaps it, killing it first if it still runs without its pipe

    // What it wrote to stdout and stderr: a place in it, and the end of what came after that place.
    std::int64_t log_size() const;
    std::string log_since(std::int64_t place, std::size_t most = 16000) const;

private:
    void spawn(const std::filesystem::path& program, int command_end, int record_end);

    int threads_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    Ending ending_;
    int commands_ = -1, records_ = -1, log_ = -1;
    std::deque<std::string> unsent_;
    std::size_t sent_of_first_ = 0;
    FrameReader reader_{most_record_bytes};
    std::chrono::steady_clock::time_point heard_{};  // when bytes last came
};

}  // namespace marginalia
