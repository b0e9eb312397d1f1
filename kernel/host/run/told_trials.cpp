#include "kernel/host/run/told_trials.h"

#include <marginalia/error.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "kernel/host/run/queue_trials.h"
#include "kernel/host/run/run_parts.h"
#include "kernel/host/run/told_parameters.h"
#include "kernel/host/run/trials_result.h"

namespace marginalia {
namespace {

constexpr std::size_t most_lines = 1000;    // without an answer
constexpr std::size_t most_line = 1 << 20;  // bytes of one
constexpr int between_looks = 500;          // milliseconds, for what another process is busy with

void ring(int event) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event, &one, sizeof one);
}

void hush(int event) {
    std::uint64_t count;
    [[maybe_unused]] const auto cleared = ::read(event, &count, sizeof count);
}

}  // namespace

ToldTrials::ToldTrials(const Telling& telling)
    : telling_(telling), out_(telling.output, "standard output", "", true),
      news_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { serve(); }) {}

ToldTrials::~ToldTrials() {
    stop_ = true;
    ring(wake_);
    thread_.join();
    ::close(news_);
    ::close(wake_);
}

std::deque<Job> ToldTrials::take() {
    hush(news_);
    std::lock_guard lock(mutex_);
    return std::exchange(jobs_, {});
}

// Those that have been taken and are no longer there are over.
void ToldTrials::at_hand(const std::set<store::TrialId>& trials) {
    std::lock_guard lock(mutex_);
    std::set<store::TrialId> left = trials;
    for (const Job& job : jobs_) left.insert(job.trial);
    const std::size_t ended = std::erase_if(outstanding_, [&](store::TrialId trial) { return !left.contains(trial); });
    if (ended > 0) ring(wake_);
}

void ToldTrials::serve() {
    while (failure_.empty() && !(input_ended_ && lines_.empty())) {
        wait();
        if (stop_) return;
        advance_all();
    }
    ended_ = true;
    ring(news_);
}

// For a line, for the end of trials or of everything.
void ToldTrials::wait() {
    const bool looks_again = std::ranges::any_of(lines_, &Line::elsewhere);
    const bool reads = !input_ended_ && lines_.size() < most_lines;
    pollfd entries[] = {{wake_, POLLIN, 0}, {reads ? telling_.input : -1, POLLIN, 0}};
    ::poll(entries, std::size(entries), looks_again ? between_looks : -1);
    hush(wake_);
    if (entries[1].revents != 0) read_some();
}

void ToldTrials::read_some() {
    char bytes[1 << 16];
    const ssize_t count = ::read(telling_.input, bytes, sizeof bytes);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    input_ended_ = count <= 0;
    std::string_view rest(bytes, static_cast<std::size_t>(std::max<ssize_t>(0, count)));
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1))
        take_text(std::exchange(unread_, {}) + std::string(rest.substr(0, end)));
    unread_ += rest;
    if (input_ended_ && !unread_.empty()) take_text(std::exchange(unread_, {}));
    if (unread_.size() > most_line) {
        unread_.clear();
        if (!std::exchange(too_long_, true))
            answer(nullptr, "a line has more than " + std::to_string(most_line) + " bytes; it is passed over");
    }
}

void ToldTrials::take_text(const std::string& text) {
    if (std::exchange(too_long_, false)) return;
    if (text.find_first_not_of(" \t\r") != text.npos) take_line(text);
}

void ToldTrials::take_line(const std::string& text) {
    nlohmann::json id;
    try {
        const auto line = nlohmann::json::parse(text, nullptr, false);
        if (!line.is_object())
            throw Error("a line must be a JSON object, {\"id\": 1, \"parameters\": {\"train.steps\": 100}}");
        id = line.value("id", nlohmann::json());
        for (const auto& [key, value] : line.items())
            if (key != "id" && key != "parameters")
                throw Error("a line has \"id\" and \"parameters\", not \"" + key + "\"");
        const Experiment& file = telling_.experiment;
        const auto overrides = told_overrides(line.value("parameters", nlohmann::json()), file.space);
        Line told{.id = id, .experiment = parse_experiment(file.toml, file.file, overrides, telling_.plugins)};
        if (!told.experiment.swept.empty())
            throw Error("'" + told.experiment.swept.front() +
                        "' has several values; a line has one for each parameter");
        told.first_stage_done = !told.experiment.stage1;
        lines_.push_back(std::move(told));
    } catch (const std::exception& error) {
        answer(id, error.what());
    }
}

// Lines whose trials are over, or that have not been looked at yet.
void ToldTrials::advance_all() {
    for (auto line = lines_.begin(); line != lines_.end();) {
        {
            std::lock_guard lock(mutex_);
            std::erase_if(line->waits, [&](store::TrialId trial) { return !outstanding_.contains(trial); });
        }
        line = line->waits.empty() && advance(*line) ? lines_.erase(line) : std::next(line);
    }
}

// true: it has been answered.
bool ToldTrials::advance(Line& line) {
    try {
        if (!queue(line)) return false;
        const bool done = std::ranges::all_of(
            line.trials, [](const store::Trial& trial) { return trial.status == store::Status::done; });
        if (done && !line.first_stage_done) {
            line.first_stage_done = true;
            return advance(line);
        }
        answer(line);
    } catch (const std::exception& error) {
        answer(line.id, error.what());
    }
    return true;
}

// Queues what there is to do of a line's trials in the store, and hands it over; true: there is nothing.
bool ToldTrials::queue(Line& line) {
    const Experiment& experiment = line.stage();
    const bool first = line.given.empty();
    const WorkOptions how{.retry_failed = first && telling_.options.retry_failed,
                          .again = first && telling_.options.again};
    WorkList work;
    telling_.writer.run_and_wait([&](store::Store& store) {
        if (line.elsewhere) store.mark_lost();  // that process may be gone
        QueuedTrials queued =
            queue_trials(store, experiment, telling_.plugins, telling_.provenance, how, &sweeps_[experiment.name]);
        keep_threads(store, experiment.run, queued.work);
        line.trials = std::move(queued.trials);
        work = std::move(queued.work);
    });
    hand_over(line, std::move(work.jobs));
    std::lock_guard lock(mutex_);
    line.elsewhere = false;
    for (const store::Trial& trial : line.trials) {
        if (outstanding_.contains(trial.id)) line.waits.insert(trial.id);
        else line.elsewhere |= trial.status == store::Status::running;
    }
    return line.waits.empty() && !line.elsewhere;
}

// What another line has handed over is waited for; what this one has had done is not done twice.
void ToldTrials::hand_over(Line& line, std::deque<Job> jobs) {
    std::lock_guard lock(mutex_);
    for (Job& job : jobs) {
        const std::int64_t evaluation = job.evaluations.empty() ? 0 : job.evaluations.front().id;
        const bool with_others = outstanding_.contains(job.trial);
        if (!with_others && !line.given.emplace(job.trial, evaluation).second) continue;
        line.waits.insert(job.trial);
        if (with_others) continue;
        outstanding_.insert(job.trial);
        jobs_.push_back(std::move(job));
    }
    if (!jobs_.empty()) ring(news_);
}

void ToldTrials::answer(const Line& line) {
    nlohmann::json result;
    telling_.writer.run_and_wait([&](store::Store& store) { result = trials_result(store, line.trials); });
    result["id"] = line.id;
    put_out(result);
}

void ToldTrials::answer(nlohmann::json id, const std::string& error) {
    put_out({{"id", std::move(id)}, {"error", error}});
}

void ToldTrials::put_out(const nlohmann::json& answer) {
    try {
        write(answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } catch (const WriteError& error) {
        failure_ = error.what();
    }
}

// In pieces that a pipe takes whole, so that a stop need not wait for who reads nothing.
void ToldTrials::write(std::string_view text) {
    while (!text.empty() && !stop_) {
        pollfd entry{telling_.output, POLLOUT, 0};
        if (::poll(&entry, 1, between_looks) == 0) continue;
        const std::string_view piece = text.substr(0, PIPE_BUF);
        out_.sputn(piece.data(), static_cast<std::streamsize>(piece.size()));
        out_.pubsync();
        text.remove_prefix(piece.size());
    }
}

}  // namespace marginalia
