#include "kernel/worker/process_state.h"

#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <clocale>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <locale>
#include <memory>
#include <new>

extern char** environ;

namespace marginalia {
namespace {

template <class T>
void append(std::string& bytes, const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Entries of a folder of /proc whose names are numbers.
std::set<int> numbers_in(const char* folder) {
    std::set<int> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder), ::closedir);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        int number = -1;
        const char* name = entry->d_name;
        if (std::from_chars(name, name + std::strlen(name), number).ec == std::errc()) numbers.insert(number);
    }
    return numbers;
}

// umask() only tells by setting another.
std::string file_mode_mask() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("Umask:")) return line;
    return {};
}

std::string working_folder() {
    struct stat now{};
    std::string bytes;
    if (::stat(".", &now) == 0) append(bytes, now.st_dev), append(bytes, now.st_ino);
    return bytes;
}

std::string environment() {
    std::string text;
    for (char** entry = environ; entry && *entry; ++entry) text.append(*entry).push_back('\0');
    return text;
}

std::string resource_limits() {
    std::string bytes;
    for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
        rlimit limit{};
        ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
        append(bytes, limit.rlim_cur), append(bytes, limit.rlim_max);
    }
    return bytes;
}

std::string signal_handlers() {
    std::string bytes;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction action{};
        if (::sigaction(signal, nullptr, &action) != 0) continue;
        append(bytes, action.sa_handler), append(bytes, action.sa_flags);
    }
    append(bytes, std::get_terminate()), append(bytes, std::get_new_handler());
    int at_end_of_host = 0;
    ::prctl(PR_GET_PDEATHSIG, &at_end_of_host);
    append(bytes, at_end_of_host), append(bytes, ::getpgrp());
    return bytes;
}

std::string blocked_signals() {
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    std::string text;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) text += ::sigismember(&blocked, signal) == 1 ? '1' : '0';
    return text;
}

// Whether they run, not how long they still have.
std::string timers() {
    std::string text;
    for (const int kind : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
        itimerval timer{};
        ::getitimer(static_cast<__itimer_which>(kind), &timer);
        text += timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0 ? '1' : '0';
    }
    return text;
}

std::string processors_and_priority() {
    std::string bytes;
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    append(bytes, set), append(bytes, ::getpriority(PRIO_PROCESS, 0)), append(bytes, ::sched_getscheduler(0));
    return bytes;
}

// With those that ended and that nobody has waited for.
bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// Threads that CUDA and LibTorch start for a device when it is first used.
bool is_of_libraries(int thread) {
    std::string name;
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/comm"), name);
    return name.starts_with("cuda") || name.starts_with("pt_");
}

}  // namespace

ProcessState::ProcessState(Facts more) : facts_(std::move(more)) {
    std::string floating_point;
    append(floating_point, floating_point_control());
    facts_.emplace_back("the rounding mode or another setting of arithmetic", floating_point);
    facts_.emplace_back("the umask", file_mode_mask());
    facts_.emplace_back("the working directory", working_folder());
    facts_.emplace_back("environment variables", environment());
    facts_.emplace_back("the locale", std::setlocale(LC_ALL, nullptr) + std::locale().name());
    facts_.emplace_back("resource limits", resource_limits());
    facts_.emplace_back("signal handlers", signal_handlers());
    facts_.emplace_back("blocked signals", blocked_signals());
    facts_.emplace_back("timers", timers());
    facts_.emplace_back("processors or priority", processors_and_priority());
    for (const int descriptor : numbers_in("/proc/self/fd")) {
        struct stat file{};
        if (::fstat(descriptor, &file) == 0) files_[descriptor] = {file.st_dev, file.st_ino};
    }
    threads_ = numbers_in("/proc/self/task");
    children_ = has_children();
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    most_files_ = files.rlim_cur / 2;
}

std::string ProcessState::changes(const ProcessState& later) const {
    std::string words;
    const auto add = [&](const std::string& what) { words += (words.empty() ? "" : ", ") + what; };
    for (std::size_t i = 0; i < facts_.size() && i < later.facts_.size(); ++i)
        if (facts_[i] != later.facts_[i]) add(facts_[i].first);
    for (const auto& [descriptor, file] : files_) {
        const auto found = later.files_.find(descriptor);
        if (found != later.files_.end() && found->second == file) continue;
        add("file descriptor " + std::to_string(descriptor));
        break;
    }
    if (later.files_.size() > most_files_) add(std::to_string(later.files_.size()) + " open files");
    for (const int thread : later.threads_) {
        if (threads_.contains(thread) || is_of_libraries(thread)) continue;
        add("a thread that goes on");
        break;
    }
    if (later.children_ && !children_) add("a child process");
    return words;
}

}  // namespace marginalia
