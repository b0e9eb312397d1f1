#include "kernel/host/run/hooks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "kernel/base/child_process.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/trial_json.h"
#include "store/queries.h"

extern char** environ;

namespace marginalia {
namespace {

using HookClock = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 1000, most_reported = 10;
constexpr std::size_t most_output = 300;  // bytes of a command's last words
constexpr int look_milliseconds = 20;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    int number() const { return number_; }

private:
    const int number_;
};

// A file in memory, so that nobody waits until the command has read it; -1: none can be made.
int file_with(const std::string& text) {
    const int file = ::memfd_create("hook", MFD_CLOEXEC);
    if (file < 0) return -1;
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(file, text.data() + at, text.size() - at);
        if (written <= 0) return ::close(file), -1;
        at += static_cast<std::size_t>(written);
    }
    ::lseek(file, 0, SEEK_SET);
    return file;
}

// The end of what comes; returns once it has waited a moment and nothing more is there.
void read_tail(int pipe, std::string& tail) {
    pollfd entry{pipe, POLLIN, 0};
    if (::poll(&entry, 1, look_milliseconds) <= 0) return;
    char piece[1 << 12];
    const ssize_t got = ::read(pipe, piece, sizeof piece);
    if (got <= 0) return static_cast<void>(::poll(nullptr, 0, look_milliseconds));  // closed, while the command goes on
    tail.append(piece, static_cast<std::size_t>(got));
    if (tail.size() > most_output) tail.erase(0, tail.size() - most_output);
}

bool has_ended(pid_t child) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

std::string last_line(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return printable(text.substr(text.rfind('\n') + 1));
}

}  // namespace

Hooks::Hooks(const HookSettings& settings, std::string experiment, store::Writer& writer,
             std::chrono::milliseconds patience)
    : settings_(settings), experiment_(std::move(experiment)), writer_(writer), patience_(patience),
      thread_([this] { serve(); }) {}

Hooks::~Hooks() {
    ending_ = true;
    {
        const std::lock_guard lock(mutex_);
        waiting_.clear();
        changed_.notify_all();
    }
    thread_.join();
}

void Hooks::done(store::TrialId trial) { add({"finish", settings_.finish, trial, {}}); }
void Hooks::failed(store::TrialId trial) { add({"fail", settings_.fail, trial, {}}); }

void Hooks::add(Event event) {
    if (event.command.empty()) return;
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= most_waiting) ++left_out_;
    else waiting_.push_back(std::move(event));
    changed_.notify_all();
}

void Hooks::finish(nlohmann::json sweep, const std::function<bool()>& stopped) {
    wait_until_idle(stopped);
    add({"sweep_end", settings_.sweep_end, 0, std::move(sweep)});
    wait_until_idle(stopped);
    const std::lock_guard lock(mutex_);
    if (left_out_ > 0)
        lines_.push_back(fmt::format("{} left out: hooks run one after another, and the run has ended",
                                     count_text(std::exchange(left_out_, 0), "hook")));
    if (unreported_ > 0) lines_.push_back(count_text(std::exchange(unreported_, 0), "more hook") + " failed");
}

void Hooks::wait_until_idle(const std::function<bool()>& stopped) {
    constexpr auto pause = std::chrono::milliseconds(100);
    const auto end = HookClock::now() + patience_;
    std::unique_lock lock(mutex_);
    while (busy_ || !waiting_.empty()) {
        if (HookClock::now() >= end || stopped()) left_out_ += std::exchange(waiting_, {}).size();
        if (stopped()) {
            ending_ = true;
            writer_.give_up();  // on a lock that a command's input may be waiting for
        }
        changed_.wait_for(lock, pause);
    }
}

std::vector<std::string> Hooks::take_lines() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
}

void Hooks::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const Event event = std::move(waiting_.front());
        waiting_.pop_front();
        busy_ = true;
        lock.unlock();
        const std::string outcome = outcome_of(event);
        lock.lock();
        busy_ = false;
        if (!outcome.empty()) report(event, outcome);
        changed_.notify_all();
    }
}

void Hooks::report(const Event& event, const std::string& outcome) {
    if (++reported_ > most_reported) return static_cast<void>(++unreported_);
    lines_.push_back(fmt::format("hook {}{} {}", event.hook,
                                 event.trial > 0 ? fmt::format(" of trial {}", event.trial) : "", outcome));
}

// By way of the writer, so that the store has the end of the trial, and is the one that is written to.
std::string Hooks::input_of(const Event& event) {
    nlohmann::ordered_json input = event.input;
    if (event.trial > 0) {
        input = {{"trial", event.trial}, {"experiment", experiment_}};
        try {
            writer_.run_and_wait(
                [&](store::Store& store) { input = trial_json(store, store::trial_details(store, event.trial)); });
            input.erase("provenance");
        } catch (const std::exception&) {  // what is wrong with the store is reported by who needs it
        }
    }
    return input.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::vector<std::string> Hooks::environment_of(const Event& event) const {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry; ++entry)
        if (!std::string_view(*entry).starts_with("MARGINALIA_STORE=")) environment.emplace_back(*entry);
    environment.push_back("MARGINALIA_STORE=" + std::filesystem::absolute(writer_.file()).string());
    environment.push_back("MARGINALIA_HOOK=" + event.hook);
    environment.push_back("MARGINALIA_EXPERIMENT=" + experiment_);
    if (event.trial > 0) environment.push_back(fmt::format("MARGINALIA_TRIAL={}", event.trial));
    return environment;
}

// "" where all went well.
std::string Hooks::outcome_of(const Event& event) {
    const Descriptor input(file_with(input_of(event)));
    int ends[2] = {-1, -1};
    if (input.number() < 0 || ::pipe2(ends, O_CLOEXEC) != 0)
        return fmt::format("could not be started: {}", std::strerror(errno));
    const Descriptor output(ends[0]);
    const pid_t child = start_child(
        {.command = {"/bin/sh", "-c", event.command},
         .descriptors = {{input.number(), STDIN_FILENO}, {ends[1], STDOUT_FILENO}, {ends[1], STDERR_FILENO}},
         .environment = environment_of(event),
         .leads_group = true});
    ::close(ends[1]);
    if (child < 0) return fmt::format("could not be started: {}", std::strerror(-child));
    const auto end = HookClock::now() + patience_;
    std::string tail;
    bool in_time = true;
    while (!has_ended(child) && in_time) {
        read_tail(output.number(), tail);
        in_time = !ending_ && HookClock::now() < end;
    }
    ::kill(-child, SIGKILL);
    const int code = exit_code_of(child);
    if (ending_) return "was ended with the run";
    if (!in_time) return fmt::format("did not end within {} and was killed", duration_text(patience_.count() / 1000.0));
    if (code == 0) return {};
    while (tail.size() < most_output) {
        const std::size_t before = tail.size();
        read_tail(output.number(), tail);
        if (tail.size() == before) break;
    }
    return fmt::format("failed with exit code {}{}", code, tail.empty() ? "" : ": " + last_line(tail));
}

}  // namespace marginalia
