// What a person sees of a run while it goes on, on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/host/run/job.h"

namespace marginalia {

using Clock = std::chrono::steady_clock;

// A running trial as the scheduler knows it.
struct RunningTrial {
    RunningTrial() = default;
    RunningTrial(const Job& its_job, std::string its_device) : job(&its_job), device(std::move(its_device)) {}

    const Job* job = nullptr;
    std::string device;
    std::string phase;  // "training", "evaluation"; empty: nothing heard yet
    std::int64_t done = 0, total = 0;
    Clock::time_point started = Clock::now();
    Clock::time_point claimed = Clock::now();  // before its worker had loaded; what the store counts from
    double seconds_before = 0;                 // spent in earlier attempts
    Clock::time_point phase_started;
    std::int64_t phase_first = 0;          // `done` when the phase began here: a resumed one begins late
    std::map<std::string, double> latest;  // newest value of each metric

    void advance(std::string_view new_phase, std::int64_t new_done, std::int64_t new_total);
    double rate() const;            // steps or passes a second in this phase; 0: not known yet
    double share() const;           // of this phase that is done, 0 to 1
    double seconds() const;         // since it started
    double seconds_in_all() const;  // as the store counts them: since it was claimed, and before
};

struct Totals {
    std::size_t trials = 0, done = 0, failed = 0, pruned = 0;
};

// Takes what happens and shows it in its own way, foreign text made printable and in one line. All methods are called
// from the event loop.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void line(const std::string& text) = 0;             // something to be said now, in full
    virtual void note(const std::string& text) { line(text); }  // the same, but not where failures alone are wanted
    // A trial's failure; false: it was not said, as many were before, and the summary has it.
    virtual bool failed(const std::string& text) {
        line(text);
        return true;
    }
    virtual void ended(const RunningTrial& trial, const std::string& how) = 0;  // "done"; of many at once only some
    virtual void stopped(const RunningTrial& trial, const std::string& how) { ended(trial, how); }  // each of them
    virtual void show(const std::vector<const RunningTrial*>& running, const Totals& totals) = 0;   // call it often
    virtual void clear() {}  // before others write to the terminal
};

// A live block on a terminal; in a pipe plain lines, about each running trial after 10 s and then ever more rarely, at
// least every 5 min while it advances, and of many trials that end at once a few; `quiet`: failures and refusals only.
std::unique_ptr<Progress> make_progress(bool quiet);

// "kl 0.0412, loss 12.3": the metrics that tell how a trial is doing, up to `most`; any others only if there are none.
std::string telling_metrics(const std::map<std::string, double>& latest, std::size_t most);

}  // namespace marginalia
