// Signals that stop a run, as something to poll.
#pragma once

#include <csignal>
#include <string>

namespace marginalia {

// While it lives, every signal that would end or stop the process without being a fault of its own (from SIGINT and
// SIGTERM to SIGALRM, SIGUSR2 and the real-time ones) waits in a descriptor instead. SIGPIPE and SIGXFSZ are ignored:
// the writing that they tell of fails. SIGHUP stays ignored where nohup has said so. To be made in the main thread
// before any other thread is started.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    int descriptor() const { return descriptor_; }
    int next();  // a signal that has arrived, or 0; never waits

    // Does what SIGTSTP does by itself: returns once somebody lets the process go on.
    static void stop_here();

private:
    int descriptor_;
    sigset_t before_;
};

std::string signal_name(int signal);  // "SIGTERM"

// Whether a second signal of this kind asks for haste. The system sends some of its own every second.
bool is_urgent(int signal);

}  // namespace marginalia
