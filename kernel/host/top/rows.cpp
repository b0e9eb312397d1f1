#include "kernel/host/top/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernel/base/printable.h"

namespace marginalia::top {
namespace {

constexpr double minute = 60, hour = 3600, day = 86400;
constexpr double long_silence = 15;  // s without a word of the host that runs the trial

bool is_running(const store::LiveTrial& trial) { return trial.status == store::Status::running; }

std::string in_units(double value, const char* unit) {
    return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, unit);
}

// Only training goes by steps; the stages of an evaluation go by passes of their own.
std::string rate_in_full(const store::LiveTrial& trial) {
    return number_text(trial.rate, 3) + (trial.phase == "training" ? " steps/s" : "/s");
}

std::string where_it_is(const store::LiveTrial& trial, double now) {
    std::string text = trial.phase.empty() ? "" : ": " + printable(trial.phase);
    if (trial.total > 0) text += fmt::format(" {} of {}", trial.done, trial.total);
    if (trial.rate > 0) text += ", " + rate_in_full(trial);
    if (const std::string left = left_text(trial); !left.empty()) text += ", " + left + " left";
    if (now - trial.heartbeat > long_silence) text += ", last heard of " + age_text(now - trial.heartbeat) + " ago";
    return text;
}

}  // namespace

std::string brief_duration(double seconds) {
    constexpr double longest = 9999;  // days
    if (!(seconds >= 0)) return {};
    if (seconds < 2 * minute) return fmt::format("{:.0f} s", seconds);
    if (seconds < 2 * hour) return fmt::format("{:.0f} min", seconds / minute);
    if (seconds < 2 * day) return in_units(seconds / hour, "h");
    return in_units(std::min(seconds / day, longest), "d");
}

std::string status_text(const store::LiveTrial& trial) {
    if (!is_running(trial)) return std::string(store::name_of(trial.status));
    if (trial.asked == "cancel") return "cancelling";
    if (trial.asked == "pause") return "pausing";
    if (trial.phase.empty() && !trial.has_value) return "starting";
    return trial.phase.empty() || trial.phase == "training" ? "running" : "evaluating";
}

double share_done(const store::LiveTrial& trial) {
    if (trial.status == store::Status::done) return 1;
    if (trial.total <= 0) return std::nan("");
    return std::clamp(static_cast<double>(trial.done) / static_cast<double>(trial.total), 0.0, 1.0);
}

std::string progress_text(const store::LiveTrial& trial, std::size_t bar) {
    const double share = share_done(trial);
    if (std::isnan(share)) return {};
    std::string text;
    const auto full = static_cast<std::size_t>(share * static_cast<double>(bar) + 0.5);
    for (std::size_t i = 0; i < bar; ++i) text += i < full ? "█" : "░";
    return text + fmt::format("{:4}%", static_cast<int>(100 * share));
}

double seconds_left(const store::LiveTrial& trial) {
    if (!is_running(trial) || !(trial.rate > 0) || trial.total <= trial.done) return std::nan("");
    return std::max(1.0, (static_cast<double>(trial.total) - static_cast<double>(trial.done)) / trial.rate);
}

std::string left_text(const store::LiveTrial& trial) { return brief_duration(seconds_left(trial)); }

std::string rate_text(const store::LiveTrial& trial) {
    return is_running(trial) && trial.rate > 0 ? number_text(trial.rate, 3) + "/s" : "";
}

std::string steps_text(const store::LiveTrial& trial) {
    return trial.total > 0 ? fmt::format("{}/{}", trial.done, trial.total) : "";
}

std::string stage_text(const store::LiveTrial& trial) { return is_running(trial) ? printable(trial.phase) : ""; }

std::string spent_text(const store::LiveTrial& trial) { return trial.seconds > 0 ? brief_duration(trial.seconds) : ""; }

std::string sentence_about(const store::LiveTrial& trial, double now) {
    std::string text = status_text(trial);
    if (!trial.device.empty()) text += " on " + printable(trial.device);
    if (trial.seconds > 0) text += (is_running(trial) ? " for " : " after ") + duration_text(trial.seconds);
    if (is_running(trial)) return text + where_it_is(trial, now);
    if (const std::string steps = steps_text(trial); !steps.empty() && trial.status != store::Status::done)
        text += fmt::format(", {} of {} {}", trial.done, trial.total,
                            trial.phase == "training" ? "steps" : "of " + printable(trial.phase));
    return trial.error.empty() ? text : text + ": " + printable(trial.error);
}

}  // namespace marginalia::top
