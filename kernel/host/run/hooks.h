// [hooks]: commands of the user's that are run when trials have ended, and at the end of a run.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "kernel/spec/settings.h"
#include "store/writer.h"

namespace marginalia {

// Runs one command after another by `sh -c`, on a thread of its own, so that nobody waits for them. A command finds one
// JSON object on its standard input and MARGINALIA_HOOK, MARGINALIA_EXPERIMENT, MARGINALIA_STORE and MARGINALIA_TRIAL
// in its environment; it is the leader of a process group, which is killed when it has ended or its time is over. What
// becomes of a command is reported and changes nothing else.
//
// Threads: all methods are for the event loop's; they return at once, but for finish().
class Hooks {
public:
    // `writer` must outlive this. `patience`: the longest time of a command.
    Hooks(const HookSettings& settings, std::string experiment, store::Writer& writer,
          std::chrono::milliseconds patience);
    ~Hooks();  // ends what still runs
    Hooks(const Hooks&) = delete;

    // Of a trial that the store has been given as done, or as failed for good. Where more than 1,000 wait, it is left
    // out, and that is reported.
    void done(store::TrialId trial);
    void failed(store::TrialId trial);

    // Lets what waits run for as long as one command may take, and then, as long again, the command of the run's end
    // with this on its input. Whatever is left when `stopped` says so, asked ten times a second, is ended.
    void finish(nlohmann::json sweep, const std::function<bool()>& stopped);

    std::vector<std::string> take_lines();  // to be reported, since the last call

private:
    struct Event {
        std::string hook, command;
        store::TrialId trial = 0;  // 0: of the run
        nlohmann::json input;      // of the run
    };
    void add(Event event);
    void serve();
    void wait_until_idle(const std::function<bool()>& stopped);
    std::string input_of(const Event& event);
    std::vector<std::string> environment_of(const Event& event) const;
    std::string outcome_of(const Event& event);
    void report(const Event& event, const std::string& outcome);

    const HookSettings settings_;
    const std::string experiment_;
    store::Writer& writer_;
    const std::chrono::milliseconds patience_;

    std::atomic<bool> ending_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Event> waiting_;  // guarded by mutex_, as is all that follows
    bool busy_ = false;
    std::size_t left_out_ = 0, unreported_ = 0, reported_ = 0;
    std::vector<std::string> lines_;
    std::thread thread_;  // last: starts when all else is there
};

}  // namespace marginalia
