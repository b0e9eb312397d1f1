#include "kernel/host/run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernel/base/printable.h"
#include "kernel/base/terminal.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

constexpr double long_stage = 2;         // s
constexpr double long_silence = 10;      // s
constexpr std::size_t most_said = 5000;  // bytes: a reason of 4,000 and the words around it

double seconds_since(Clock::time_point moment) { return std::chrono::duration<double>(Clock::now() - moment).count(); }

std::string named(const RunningTrial& trial) {
    return "trial " + std::to_string(trial.job->trial) + " (" + trial.job->label + ")";
}

// Only training goes by steps; evaluation goes by passes of the network.
std::string rate_text(const RunningTrial& trial) {
    return number_text(trial.rate(), 3) + (trial.phase == "training" ? " steps/s" : " passes/s");
}

std::string left_text(const RunningTrial& trial) {
    const double rate = trial.rate();
    if (rate <= 0 || trial.total <= trial.done) return {};
    return duration_text(std::max(1.0, static_cast<double>(trial.total - trial.done) / rate)) + " left";
}

// Labels, phases and reasons are of plugins, files and workers.
void say(const std::string& text) { std::fprintf(stderr, "%s\n", printable(text, most_said).c_str()); }

void append(std::string& text, const std::string& part, const char* separator) {
    if (part.empty()) return;
    if (!text.empty()) text += separator;
    text += part;
}

constexpr std::size_t most_told = 20;  // trials that fail, or end at once

// "trial 3 (seed 0) done after 4.2 s: kl 0.0412"
std::string end_text(const RunningTrial& trial, const std::string& how) {
    std::string text = named(trial) + " " + how + " after " + duration_text(trial.seconds_in_all());
    append(text, telling_metrics(trial.latest, 3), ": ");
    return text;
}

// Lines without cursor movement, few of them: for pipes, files and dumb terminals.
class PlainProgress final : public Progress {
public:
    void line(const std::string& text) override { say(text); }

    void ended(const RunningTrial& trial, const std::string& how) override {
        announced_.erase(trial.job->trial);
        if (++ended_ > most_told && seconds_since(last_ended_) < long_silence) return void(++unsaid_);
        last_ended_ = Clock::now();
        std::string text = end_text(trial, how);
        if (unsaid_ > 0) text += "; before it " + count_text(std::exchange(unsaid_, 0), "other trial");
        line(text);
    }

    void stopped(const RunningTrial& trial, const std::string& how) override {
        announced_.erase(trial.job->trial);
        line(end_text(trial, how));
    }

    bool failed(const std::string& text) override {
        if (++failed_ > most_told) return false;
        line(text);
        return true;
    }

    void show(const std::vector<const RunningTrial*>& running, const Totals&) override {
        for (const RunningTrial* trial : running) {
            if (trial->seconds() < 1) continue;  // over before anybody would have read of it
            const auto [at, is_new] = announced_.try_emplace(trial->job->trial);
            Said& said = at->second;
            if (is_new) line(named(*trial) + " started on " + trial->device);
            else if (trial->phase != said.phase && seconds_since(trial->phase_started) >= long_stage)
                say_stage(*trial, said);
            else if (seconds_since(said.when) >= said.wait && !trial->phase.empty()) say_state(*trial, said);
        }
    }

private:
    struct Said {
        Clock::time_point when = Clock::now();
        double wait = 10;  // s until the next line, doubled each time: a run of days is not to fill its log
        std::string place, phase;
    };

    // Of every stage but the training, once, as soon as it is known to be long: what it does and how long that takes.
    void say_stage(const RunningTrial& trial, Said& said) {
        said.phase = trial.phase;
        if (trial.phase != "training") line(state_of(trial));
    }

    void say_state(const RunningTrial& trial, Said& said) {
        said.when = Clock::now();
        said.wait = std::min(2 * said.wait, 300.0);
        const std::string place = trial.phase + std::to_string(trial.done);
        if (place != said.place) line(state_of(trial));
        said.place = place;
    }

    static std::string state_of(const RunningTrial& trial) {
        std::string text = "trial " + std::to_string(trial.job->trial) + ": " + trial.phase;
        if (trial.total > 0) text += " " + std::to_string(trial.done) + "/" + std::to_string(trial.total);
        if (trial.rate() > 0) append(text, rate_text(trial), ", ");
        append(text, left_text(trial), ", ");
        append(text, telling_metrics(trial.latest, 3), ", ");
        return text;
    }

    std::map<store::TrialId, Said> announced_;
    std::size_t ended_ = 0, unsaid_ = 0, failed_ = 0;
    Clock::time_point last_ended_{};
};

class QuietProgress final : public Progress {
    void line(const std::string& text) override { say(text); }
    void note(const std::string&) override {}
    void ended(const RunningTrial&, const std::string&) override {}
    void show(const std::vector<const RunningTrial*>&, const Totals&) override {}
};

// A block of lines that is drawn over itself: one per running trial and a total.
class LiveProgress final : public Progress {
public:
    ~LiveProgress() override { clear(); }

    void line(const std::string& text) override {
        clear();
        say(text);
    }

    void ended(const RunningTrial& trial, const std::string& how) override {
        if (seconds_since(last_ended_) < 0.2) return;  // trials of milliseconds: the total line tells enough
        last_ended_ = Clock::now();
        line(end_text(trial, how));
    }

    bool failed(const std::string& text) override {
        if (++failed_ > most_told) return false;
        line(text);
        return true;
    }
    void stopped(const RunningTrial& trial, const std::string& how) override { line(end_text(trial, how)); }

    void show(const std::vector<const RunningTrial*>& running, const Totals& totals) override {
        if (seconds_since(drawn_at_) < 0.2) return;
        drawn_at_ = Clock::now();
        const std::size_t width = terminal_width();
        std::string block;
        for (const RunningTrial* trial : running)
            block += shorten(printable(trial_line(*trial, width)), width - 1) + "\n";
        block += dimmed(shorten(total_line(running, totals), width - 1)) + "\n";
        clear();
        std::fwrite(block.data(), 1, block.size(), stderr);
        std::fflush(stderr);
        lines_ = running.size() + 1;
    }

    void clear() override {
        if (lines_ > 0) std::fprintf(stderr, "\x1b[%zuA\r\x1b[J", lines_);
        lines_ = 0;
    }

private:
    static std::size_t terminal_width() {
        winsize size{};
        if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
        return 80;
    }

    std::string dimmed(const std::string& text) const { return colour_ ? "\x1b[2m" + text + "\x1b[0m" : text; }

    std::string bar(double share) const {
        constexpr int cells = 16;
        const int full = static_cast<int>(share * cells + 0.5);
        std::string text;
        for (int i = 0; i < cells; ++i) text += i < full ? (utf8_ ? "█" : "#") : (utf8_ ? "░" : ".");
        return text;
    }

    std::string trial_line(const RunningTrial& trial, std::size_t width) const {
        std::string text = "  #" + std::to_string(trial.job->trial) + " " + trial.device;
        if (width >= 100) append(text, shorten(trial.job->label, 34), "  ");
        append(text, trial.phase.empty() ? "starting" : trial.phase, "  ");
        if (trial.total > 0) {
            text += " " + bar(trial.share()) + " " + std::to_string(static_cast<int>(100 * trial.share())) + "%";
        }
        append(text, left_text(trial), "  ");
        if (trial.rate() > 0) append(text, rate_text(trial), "  ");
        append(text, telling_metrics(trial.latest, 3), "  ");
        return text;
    }

    std::string total_line(const std::vector<const RunningTrial*>& running, const Totals& totals) const {
        std::string text = "  " + std::to_string(totals.done) + " of " + count_text(totals.trials, "trial") + " done";
        if (!running.empty()) text += ", " + std::to_string(running.size()) + " running";
        if (totals.failed > 0) text += ", " + std::to_string(totals.failed) + " failed";
        if (totals.pruned > 0) text += ", " + std::to_string(totals.pruned) + " pruned";
        const double elapsed = seconds_since(started_);
        text += ", " + duration_text(elapsed) + " so far";
        double behind =
            static_cast<double>(totals.done + totals.failed + totals.pruned);  // in trials, running ones by their share
        for (const RunningTrial* trial : running) behind += trial->share();
        const double ahead = static_cast<double>(totals.trials) - behind;
        if (elapsed > 3 && behind > 0 && ahead > 0)
            text += ", about " + duration_text(std::max(1.0, elapsed * ahead / behind)) + " left";
        return text;
    }

    const bool colour_ = !std::getenv("NO_COLOR") || !*std::getenv("NO_COLOR");
    const bool utf8_ = locale_is_utf8();
    const Clock::time_point started_ = Clock::now();
    std::size_t lines_ = 0, failed_ = 0;
    Clock::time_point drawn_at_{}, last_ended_{};
};

}  // namespace

void RunningTrial::advance(std::string_view new_phase, std::int64_t new_done, std::int64_t new_total) {
    if (phase != new_phase) {
        phase = new_phase;
        phase_started = Clock::now();
        phase_first = new_done;
    }
    done = new_done;
    total = new_total;
}

double RunningTrial::rate() const {
    const double elapsed = phase.empty() ? 0 : seconds_since(phase_started);
    return elapsed < 0.5 ? 0 : static_cast<double>(done - phase_first) / elapsed;
}

double RunningTrial::share() const {
    return total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 0;
}

double RunningTrial::seconds() const { return seconds_since(started); }

double RunningTrial::seconds_in_all() const { return seconds_before + seconds_since(claimed); }

std::string telling_metrics(const std::map<std::string, double>& latest, std::size_t most) {
    std::vector<std::string> names;
    for (const std::string& name : told_metrics())
        if (latest.contains(name)) names.push_back(name);
    if (names.empty())
        for (const auto& [name, value] : latest) names.push_back(name);
    std::string text;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
        append(text, names[i] + " " + number_text(latest.at(names[i])), ", ");
    return text;
}

std::unique_ptr<Progress> make_progress(bool quiet) {
    if (quiet) return std::make_unique<QuietProgress>();
    const char* terminal = std::getenv("TERM");
    if (::isatty(STDERR_FILENO) && terminal && std::strcmp(terminal, "dumb") != 0)
        return std::make_unique<LiveProgress>();
    return std::make_unique<PlainProgress>();
}

}  // namespace marginalia
