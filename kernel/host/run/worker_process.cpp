#include "kernel/host/run/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "kernel/base/child_process.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/run/worker_environment.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr int most_end_seconds = 5;  // that a killed worker may take to go, before we leave it to the system

// Says what errno says, and what to do about it.
std::string system_words() {
    const bool too_many = errno == EMFILE || errno == ENFILE;
    return std::strerror(errno) + std::string(too_many ? "; raise the limit of open files (ulimit -n)" : "");
}

// Closes the ends that nobody has taken.
struct Pipe {
    int read = -1, write = -1;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw Error("a pipe to a worker cannot be made: " + system_words());
        read = ends[0];
        write = ends[1];
        ::fcntl(write, F_SETPIPE_SZ, 1 << 20);  // where allowed: fewer turns for a checkpoint
    }
    ~Pipe() {
        for (const int end : {read, write})
            if (end >= 0) ::close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
};

void set_non_blocking(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

// Descriptors of the worker's ends, the same in every worker.
constexpr int worker_commands = 3, worker_records = 4;

// The parts of a worker's place that are in its environment.
std::vector<std::string> environment_with(const fs::path& program, const WorkerPlace& place) {
    std::vector<std::string> environment = worker_environment(program);
    std::erase_if(environment, [&](const std::string& entry) {
        return entry.starts_with("OMP_NUM_THREADS=") || entry.starts_with("MKL_NUM_THREADS=") ||
               (place.visible && entry.starts_with("CUDA_VISIBLE_DEVICES="));
    });
    if (place.visible) environment.push_back("CUDA_VISIBLE_DEVICES=" + *place.visible);
    for (const char* name : {"OMP_NUM_THREADS=", "MKL_NUM_THREADS="})
        environment.push_back(name + std::to_string(place.threads));
    return environment;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

}  // namespace

std::string Ending::text() const {
    if (signal == 0) return "exit code " + std::to_string(code);
    return "signal " + std::to_string(signal) + " (" + lower(::strsignal(signal)) + ")";
}

std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{} seconds", static_cast<double>(time.count()) / 1000);
}

WorkerProcess::WorkerProcess(const fs::path& program, WorkerPlace place) : place_(std::move(place)) {
    std::signal(SIGPIPE, SIG_IGN);  // writing to a dead worker is an error code here, not our end
    std::signal(SIGCHLD, SIG_DFL);  // whoever started us may ignore it, and then nobody learns how a child ended
    Pipe commands, records;
    spawn(program, commands.read, records.write);
    output_.close_write_end();
    commands_ = std::exchange(commands.write, -1);
    records_ = std::exchange(records.read, -1);
    set_non_blocking(commands_);
    set_non_blocking(records_);
}

// A group of its own: so the terminal's Ctrl-C reaches the host alone, which asks its workers to stop.
void WorkerProcess::spawn(const fs::path& program, int command_end, int record_end) {
    const StartOn processors(place_.processors);
    pid_ = start_child({.command = {fs::absolute(program).string(), "--pipes", std::to_string(worker_commands),
                                    std::to_string(worker_records), "--threads", std::to_string(place_.threads)},
                        .descriptors = {{output_.write_end(), STDOUT_FILENO},
                                        {output_.write_end(), STDERR_FILENO},
                                        {command_end, worker_commands},
                                        {record_end, worker_records}},
                        .environment = environment_with(program, place_),
                        .leads_group = true});
    if (pid_ < 0) {
        ended_ = true;
        errno = -pid_;
        if (errno == EMFILE || errno == ENFILE) throw Error("a pipe to a worker cannot be made: " + system_words());
        throw Error(program.string() + ": the worker program cannot be started: " + std::strerror(errno) +
                    "; install it beside marginalia or name it in MARGINALIA_WORKER");
    }
    end_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

void WorkerProcess::keep_on(std::vector<int> processors) {
    place_.processors = std::move(processors);
    marginalia::keep_on(pid_, place_.processors);
}

WorkerProcess::~WorkerProcess() {
    kill();
    for (int tries = 0; !ended() && tries < most_end_seconds * 100; ++tries) {
        pollfd end{end_, POLLIN, 0};
        ::poll(&end, 1, 10);
    }
    for (const int descriptor : {commands_, records_, end_})
        if (descriptor >= 0) ::close(descriptor);
}

void WorkerProcess::send(Command command, std::string payload) {
    unsent_.push_back(frame_header(static_cast<std::uint8_t>(command), payload.size()));
    if (!payload.empty()) unsent_.push_back(std::move(payload));
    write_some();
}

void WorkerProcess::write_some() {
    while (!unsent_.empty()) {
        const std::string& first = unsent_.front();
        const long written = ::write(commands_, first.data() + sent_of_first_, first.size() - sent_of_first_);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (written < 0) {  // it is dead, which end_descriptor() says
            unsent_.clear();
            sent_of_first_ = 0;
            return;
        }
        sent_of_first_ += static_cast<std::size_t>(written);
        if (sent_of_first_ < first.size()) continue;
        unsent_.pop_front();
        sent_of_first_ = 0;
    }
}

void WorkerProcess::read_some(const Take& take) {
    const long got = reader_.read_from(records_);
    if (got > 0) heard_ = std::chrono::steady_clock::now();
    if (got == 0) closed_ = std::chrono::steady_clock::now();
    hand_over(take);
}

// No more than there was when it ended: a child that left its group may still hold the pipe, and write.
void WorkerProcess::read_rest(const Take& take) {
    int left = 0;
    if (closed_ || ::ioctl(records_, FIONREAD, &left) != 0) return;
    while (left > 0) {
        const long got = reader_.read_from(records_);
        if (got <= 0) return;
        left -= static_cast<int>(got);
        hand_over(take);
    }
}

void WorkerProcess::hand_over(const Take& take) {
    FrameReader::Frame frame;
    while (reader_.next(frame)) take(static_cast<RecordType>(frame.type), frame.payload);
}

std::optional<std::chrono::steady_clock::time_point> WorkerProcess::half_said() const {
    if (!reader_.within_frame()) return std::nullopt;
    return heard_;
}

// To the process too, which a plugin may have moved to another group.
void WorkerProcess::signal(int number) {
    if (ended_) return;
    ::kill(-pid_, number);
    ::kill(pid_, number);
}

bool WorkerProcess::ended() {
    if (ended_) return true;
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return false;
    ::kill(-pid_, SIGKILL);  // as long as it is not reaped, nobody else can have its number
    int status = 0;
    ::waitpid(pid_, &status, WNOHANG);
    ended_ = true;
    if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
    else ending_.code = WEXITSTATUS(status);
    return true;
}

std::string WorkerProcess::printed_since(std::int64_t place) {
    constexpr std::size_t most = 16000;
    output_.take_rest();
    return output_.since(place, most);
}

}  // namespace marginalia
