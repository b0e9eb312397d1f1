// How a worker process is started: its descriptors, environment, signals and process group.
#include <fcntl.h>
#include <marginalia/error.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "kernel/host/run/worker_environment.h"
#include "kernel/host/run/worker_process.h"

extern char** environ;

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// Descriptors of the worker's ends, the same in every worker.
constexpr int worker_commands = 3;
constexpr int worker_records = 4;

// A copy of a descriptor above those that a worker has.
struct HighCopy {
    const int descriptor;
    explicit HighCopy(int of) : descriptor(::fcntl(of, F_DUPFD_CLOEXEC, worker_records + 1)) {
        if (descriptor < 0)
            throw Error(std::string("a pipe to a worker cannot be made: ") + std::strerror(errno) +
                        "; raise the limit of open files (ulimit -n)");
    }
    ~HighCopy() { ::close(descriptor); }
    HighCopy(const HighCopy&) = delete;
    HighCopy& operator=(const HighCopy&) = delete;
};

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

}  // namespace

void WorkerProcess::spawn(const fs::path& program, int command_end, int record_end) {
    std::vector<std::string> arguments = {program.string(),
                                          "--pipes",
                                          std::to_string(worker_commands),
                                          std::to_string(worker_records),
                                          "--threads",
                                          std::to_string(threads_)};
    std::vector<std::string> environment = environment_with(threads_);

    // Through other numbers first: an end may lie where another is to go.
    const HighCopy high_commands(command_end), high_records(record_end);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, log_, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, log_, STDERR_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, high_commands.descriptor, worker_commands);
    ::posix_spawn_file_actions_adddup2(&actions, high_records.descriptor, worker_records);

    // The host blocks the signals that it handles; a worker must not inherit that. A group of its own: so the
    // terminal's Ctrl-C reaches the host alone, which asks its workers to stop, and children that a plugin leaves end
    // with it.
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

    const int failure = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                      pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) {
        ended_ = true;
        throw Error(program.string() + ": the worker program cannot be started: " + std::strerror(failure) +
                    "; install it beside marginalia or name it in MARGINALIA_WORKER");
    }
    end_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

}  // namespace marginalia
