// Signals that stop a run, as something to poll.
#pragma once

#include <csignal>

namespace marginalia {

// While it lives, SIGINT, SIGTERM, SIGHUP and SIGUSR1 wait in a descriptor instead of ending the process. To be made
// in the main thread before any other thread is started.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    int descriptor() const { return descriptor_; }
    int next();  // a signal that has arrived, or 0; never waits

private:
    int descriptor_;
    sigset_t before_;
};

}  // namespace marginalia
