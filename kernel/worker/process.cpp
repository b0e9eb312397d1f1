// The worker as a process: its end with the host, its signals, its last words.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <execinfo.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <marginalia/error.h>

#include "kernel/worker/worker.h"

namespace marginalia {
namespace {

constexpr int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// Only what may be called in a signal handler: the host looks for plugin files among these lines.
void write_stack(int signal) {
    void* frames[48];
    const int count = ::backtrace(frames, 48);
    ::backtrace_symbols_fd(frames, count, STDERR_FILENO);
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

void at_end_of_host(int) { end_worker_group(); }

// A stack overflow leaves no room on the ordinary stack.
void use_own_signal_stack() {
    static char memory[1 << 16];
    stack_t stack{};
    stack.ss_sp = memory;
    stack.ss_size = sizeof memory;
    ::sigaltstack(&stack, nullptr);
}

int number(const char* text) {
    int value = -1;
    const char* end = text + std::strlen(text);
    if (std::from_chars(text, end, value).ptr != end) value = -1;
    return value;
}

}  // namespace

WorkerArguments parse_worker_arguments(int argc, char** argv) {
    WorkerArguments arguments;
    if (argc == 6 && !std::strcmp(argv[1], "--pipes") && !std::strcmp(argv[4], "--threads")) {
        arguments = {number(argv[2]), number(argv[3]), number(argv[5])};
        if (arguments.command_descriptor >= 0 && arguments.record_descriptor >= 0 && arguments.threads >= 1)
            return arguments;
    }
    throw Error("this program is started by marginalia and not by hand; type: marginalia run FILE");
}

// A process's number is its group's where it leads one, as the host's workers do.
void end_worker_group() {
    ::kill(-::getpid(), SIGKILL);
    ::_exit(0);
}

void prepare_worker_process() {
    std::signal(SIGRTMAX, at_end_of_host);  // the kernel's word that the host is gone: SIGKILL would spare children
    ::prctl(PR_SET_PDEATHSIG, SIGRTMAX);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a line that a plugin prints is read at once, by way of a pipe
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);             // what a plugin's children leave behind is ours to see
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPWR, SIGPIPE, SIGXFSZ})
        std::signal(signal, SIG_IGN);
    void* warm_up[1];
    ::backtrace(warm_up, 1);  // its first call loads a library, which a handler must not do
    use_own_signal_stack();
    struct sigaction action{};
    action.sa_handler = write_stack;
    action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
    for (const int signal : crash_signals) ::sigaction(signal, &action, nullptr);
}

}  // namespace marginalia
