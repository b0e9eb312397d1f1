#include "kernel/host/run/signals.h"

#include <marginalia/error.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

namespace marginalia {
namespace {

bool is_ignored(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t stopping_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU,
                             SIGPWR, SIGPOLL, SIGSTKFLT, SIGTSTP})
        ::sigaddset(&set, signal);
    if (is_ignored(SIGHUP)) ::sigdelset(&set, SIGHUP);  // by nohup, which means it
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ::sigaddset(&set, signal);
    return set;
}

}  // namespace

StopSignals::StopSignals() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    const sigset_t set = stopping_signals();
    descriptor_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor_ < 0)
        throw Error(std::string("signals cannot be waited for: ") + std::strerror(errno) +
                    (errno == EMFILE ? "; raise the limit of open files (ulimit -n)" : ""));
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

StopSignals::~StopSignals() {
    while (next() != 0) {
    }
    ::close(descriptor_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::next() {
    signalfd_siginfo info;
    return ::read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

// All other threads have it blocked, so it is delivered here before kill() returns.
void StopSignals::stop_here() {
    sigset_t stop, before;
    ::sigemptyset(&stop);
    ::sigaddset(&stop, SIGTSTP);
    ::pthread_sigmask(SIG_UNBLOCK, &stop, &before);
    ::kill(::getpid(), SIGTSTP);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

bool is_urgent(int signal) {
    return signal != SIGXCPU && signal != SIGALRM && signal != SIGVTALRM && signal != SIGPROF;
}

}  // namespace marginalia
