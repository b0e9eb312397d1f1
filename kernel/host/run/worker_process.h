// A worker process as the host sees it: two pipes, what it prints and how it ended.
//
// Its end is seen by a pidfd and not by the end of its pipe, which a child that a plugin left behind may hold open. It
// is in a process group of its own with whatever it starts, so that nothing of it outlives it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/host/run/worker_output.h"
#include "kernel/wire/protocol.h"

namespace marginalia {

// How a process ended, in words: "signal 11 (segmentation fault)", "exit code 2".
struct Ending {
    int signal = 0;  // 0: it exited by itself
    int code = 0;
    std::string text() const;
};

// How long the host waits before it gives a worker up. Tests wait less.
struct WorkerPatience {
    std::chrono::milliseconds loading = std::chrono::seconds(120);  // one plugin, or LibTorch before the first
    std::chrono::milliseconds record = std::chrono::seconds(60);    // the rest of a record that was begun
    std::chrono::milliseconds end = std::chrono::seconds(2);        // its end, once it has closed its pipe
};

// Where a worker runs.
struct WorkerPlace {
    int threads = 1;
    std::optional<std::string> visible = {};  // CUDA_VISIBLE_DEVICES; nullopt: that of this process
    std::vector<int> processors = {};         // that it is kept on; empty: any
};

std::string seconds_text(std::chrono::milliseconds time);  // "120 seconds"

// Owns the process: it dies with this object, and so do its children. Nothing here waits for it but the destructor,
// some seconds at most. Poll record_descriptor() and end_descriptor() for reading and, while has_unsent(),
// command_descriptor() for writing; and output(). Without pidfds (Linux before 5.3)
// end_descriptor() is -1: ask ended() every now and then.
//
// Threads: one thread, the main thread: a worker dies with the thread that started it.
class WorkerProcess {
public:
    // Starts `program` with OMP_NUM_THREADS and the like set to the place's threads. Throws Error if it cannot be
    // started.
    WorkerProcess(const std::filesystem::path& program, WorkerPlace place);
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    pid_t pid() const { return pid_; }
    int threads() const { return place_.threads; }
    const WorkerPlace& place() const { return place_; }
    // From now on it is kept on these processors, with all of its threads; empty: it stays where it is.
    void keep_on(std::vector<int> processors);
    int record_descriptor() const { return closed_ ? -1 : records_; }
    int command_descriptor() const { return commands_; }
    int end_descriptor() const { return end_; }

    void send(Command command, std::string payload = {});
    bool has_unsent() const { return !unsent_.empty(); }
    void write_some();

    // Reads what has arrived and hands it over record by record. Throws Error where its bytes are no records.
    using Take = std::function<void(RecordType, std::string_view)>;
    void read_some(const Take& take);
    // The same for all that is left in the pipe of a worker that has ended.
    void read_rest(const Take& take);

    // Since when a record has been begun and not continued; nullopt: none has.
    std::optional<std::chrono::steady_clock::time_point> half_said() const;
    // Since when its pipe has been closed on its side; nullopt: it is open.
    std::optional<std::chrono::steady_clock::time_point> closed() const { return closed_; }

    // Whether it has ended; the first time that it has, its children are killed. ending() then says how.
    bool ended();
    Ending ending() const { return ending_; }

    void signal(int number);  // to it and its children: SIGKILL, SIGSTOP, SIGCONT
    void kill() { signal(SIGKILL); }

    WorkerOutput& output() { return output_; }
    // The end of what it has printed up to now, after a place in that.
    std::string printed_since(std::int64_t place);

private:
    void hand_over(const Take& take);
    void spawn(const std::filesystem::path& program, int command_end, int record_end);

    WorkerPlace place_;
    pid_t pid_ = -1;
    bool ended_ = false;
    Ending ending_;
    int commands_ = -1, records_ = -1, end_ = -1;
    WorkerOutput output_;
    std::deque<std::string> unsent_;
    std::size_t sent_of_first_ = 0;
    FrameReader reader_{most_record_bytes};
    std::chrono::steady_clock::time_point heard_{};  // when bytes last came
    std::optional<std::chrono::steady_clock::time_point> closed_;
};

}  // namespace marginalia
