#include "kernel/schedule/worker_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <marginalia/error.h>

#include "kernel/schedule/worker_environment.h"

extern char** environ;

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// Descriptors of the worker's ends, the same in every worker.
constexpr int worker_commands = 3;
constexpr int worker_records = 4;

std::string system_words() { return std::strerror(errno); }

struct Pipe {
    int read = -1, write = -1;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw Error("a pipe to a worker cannot be made: " + system_words() +
                        "; raise the limit of open files (ulimit -n)");
        read = ends[0];
        write = ends[1];
        ::fcntl(write, F_SETPIPE_SZ, 1 << 20);  // where allowed: fewer turns for a checkpoint
    }
};

void set_non_blocking(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

// A file without a name: gone with the last of its users, however they end.
int open_log() {
    std::error_code none;
    std::string name = (fs::temp_directory_path(none) / "marginalia-worker-XXXXXX").string();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC | O_APPEND);
    if (descriptor < 0)
        throw Error(name + ": a worker's log cannot be made: " + system_words() +
                    "; set TMPDIR to a folder that can be written");
    ::unlink(name.c_str());
    return descriptor;
}

std::vector<std::string> environment_with(int threads) {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text = *entry;
        if (text.starts_with("OMP_NUM_THREADS=") || text.starts_with("MKL_NUM_THREADS=")) continue;
        environment.emplace_back(text);
    }
    environment.push_back("OMP_NUM_THREADS=" + std::to_string(threads));
    environment.push_back("MKL_NUM_THREADS=" + std::to_string(threads));
    for (const WorkerSetting& setting : worker_settings())
        if (left_to_us(setting)) environment.push_back(std::string(setting.name) + "=" + setting.value);
    return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
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

WorkerProcess::WorkerProcess(const fs::path& program, int threads) : threads_(threads) {
    std::signal(SIGPIPE, SIG_IGN);  // writing to a dead worker is an error code here, not our end
    Pipe commands, records;
    commands_ = commands.write;
    records_ = records.read;
    try {
        log_ = open_log();
        spawn(program, commands.read, records.write);
    } catch (...) {
        for (const int end : {commands.read, commands.write, records.read, records.write, log_})
            if (end >= 0) ::close(end);
        throw;
    }
    ::close(commands.read);
    ::close(records.write);
    set_non_blocking(commands_);
    set_non_blocking(records_);
}

void WorkerProcess::spawn(const fs::path& program, int command_end, int record_end) {
    std::vector<std::string> arguments = {program.string(), "--pipes", std::to_string(worker_commands),
                                          std::to_string(worker_records), "--threads", std::to_string(threads_)};
    std::vector<std::string> environment = environment_with(threads_);

    // Through high numbers first: an end may lie where another is to go.
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const int high = ::fcntl(command_end, F_DUPFD_CLOEXEC, 10), high_record = ::fcntl(record_end, F_DUPFD_CLOEXEC, 10);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, log_, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, log_, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, high, worker_commands);
    ::posix_spawn_file_actions_adddup2(&actions, high_record, worker_records);

    // The host blocks the signals that it handles; a worker must not inherit that.
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    const int failure = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                      pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    ::close(high);
    ::close(high_record);
    if (failure != 0) {
        reaped_ = true;
        throw Error(program.string() + ": the worker program cannot be started: " + std::strerror(failure) +
                    "; install it beside marginalia or name it in MARGINALIA_WORKER");
    }
}

WorkerProcess::~WorkerProcess() {
    ::close(commands_);
    ::close(records_);
    kill();
    wait();
    ::close(log_);
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
        if (written < 0) {  // it is dead, which its record pipe will say
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

bool WorkerProcess::read_some(const std::function<void(Record, std::string_view)>& take) {
    const long got = reader_.read_from(records_);
    if (got > 0) heard_ = std::chrono::steady_clock::now();
    FrameReader::Frame frame;
    while (reader_.next(frame)) take(static_cast<Record>(frame.type), frame.payload);
    return got != 0;
}

std::optional<std::chrono::steady_clock::time_point> WorkerProcess::half_said() const {
    if (!reader_.within_frame()) return std::nullopt;
    return heard_;
}

void WorkerProcess::kill() {
    if (!reaped_) ::kill(pid_, SIGKILL);
}

Ending WorkerProcess::wait() {
    if (reaped_) return ending_;
    // Its pipe is closed, so it is ending; one that is not is beyond help.
    int status = 0;
    for (int tries = 0; ::waitpid(pid_, &status, WNOHANG) == 0; ++tries) {
        if (tries == 1000) kill();
        ::poll(nullptr, 0, 1);
    }
    reaped_ = true;
    if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
    else ending_.code = WEXITSTATUS(status);
    return ending_;
}

std::int64_t WorkerProcess::log_size() const { return ::lseek(log_, 0, SEEK_END); }

std::string WorkerProcess::log_since(std::int64_t place, std::size_t most) const {
    const std::int64_t size = log_size();
    const std::int64_t from = std::max(place, size - static_cast<std::int64_t>(most));
    std::string text(static_cast<std::size_t>(std::max<std::int64_t>(0, size - from)), '\0');
    const long got = ::pread(log_, text.data(), text.size(), from);
    text.resize(static_cast<std::size_t>(std::max(got, 0L)));
    return text;
}

}  // namespace marginalia
