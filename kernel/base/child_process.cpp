#include "kernel/base/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace marginalia {
namespace {

// What a child is started with. Descriptors go through other numbers first: one of ours may lie where another is to go.
class Start {
public:
    Start() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    ~Start() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
        for (const int copy : copies_) ::close(copy);
    }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

    // 0, or what went wrong.
    int place(const std::vector<std::pair<int, int>>& descriptors) {
        int above = STDERR_FILENO;
        for (const auto& [ours, theirs] : descriptors) above = std::max(above, theirs);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        for (const auto& [ours, theirs] : descriptors) {
            if (ours == null_device) {
                ::posix_spawn_file_actions_addopen(&actions, theirs, "/dev/null", O_WRONLY, 0);
                continue;
            }
            const int copy = ::fcntl(ours, F_DUPFD_CLOEXEC, above + 1);
            if (copy < 0) return errno;
            copies_.push_back(copy);
            ::posix_spawn_file_actions_adddup2(&actions, copy, theirs);
        }
        return 0;
    }

    void lead_group() {
        sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

private:
    std::vector<int> copies_;
};

std::string read_all(int descriptor, std::size_t most) {
    std::string text;
    char piece[1 << 16];
    while (text.size() < most) {
        const long got = ::read(descriptor, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    if (text.size() > most) text.resize(most);
    return text;
}

}  // namespace

std::vector<char*> exec_pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));  // which nobody writes to
    list.push_back(nullptr);
    return list;
}

pid_t start_child(const ChildProcess& child) {
    Start start;
    if (const int failure = start.place(child.descriptors); failure != 0) return -failure;
    if (!child.folder.empty()) ::posix_spawn_file_actions_addchdir_np(&start.actions, child.folder.c_str());
    if (child.leads_group) start.lead_group();
    pid_t number = -1;
    const int failure = ::posix_spawnp(&number, child.command[0].c_str(), &start.actions, &start.attributes,
                                       exec_pointers(child.command).data(),
                                       child.environment.empty() ? environ : exec_pointers(child.environment).data());
    return failure == 0 ? number : -failure;
}

int exit_code_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<std::string> output_of(std::vector<std::string> command, std::vector<std::string> environment,
                                     std::size_t most) {
    auto [code, text] = answer_of(std::move(command), std::move(environment), most, false);
    const bool cut = text.size() == most;  // then it may have died of a closed pipe
    if (!cut && code != 0) return std::nullopt;
    return std::move(text);
}

ChildAnswer answer_of(std::vector<std::string> command, std::vector<std::string> environment, std::size_t most,
                      bool with_errors) {
    ChildProcess child{.command = std::move(command), .descriptors = {}, .environment = std::move(environment)};
    if (!with_errors) child.descriptors = {{null_device, STDERR_FILENO}};
    return answer_of(std::move(child), most, with_errors);
}

ChildAnswer answer_of(ChildProcess child, std::size_t most, bool with_errors) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {not_started, ""};
    child.descriptors.emplace_back(ends[1], STDOUT_FILENO);
    if (with_errors) child.descriptors.emplace_back(ends[1], STDERR_FILENO);
    const pid_t started = start_child(child);
    ::close(ends[1]);
    std::string text = read_all(started > 0 ? ends[0] : -1, most);
    ::close(ends[0]);
    return {started > 0 ? exit_code_of(started) : not_started, std::move(text)};
}

}  // namespace marginalia
