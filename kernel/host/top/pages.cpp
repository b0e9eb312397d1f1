#include "kernel/host/top/pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kernel/base/printable.h"
#include "kernel/host/results/results.h"
#include "kernel/host/top/chart.h"
#include "kernel/spec/metrics.h"

namespace marginalia::top {
namespace {

using store::Status;

constexpr std::size_t lines_above = 3, lines_below = 3;  // of the table
constexpr std::size_t lines_about_trial = 4;

// The left text, and the right one at the end of the line as far as there is room.
Line both_ends(const std::string& left, const std::string& right, std::size_t width) {
    constexpr std::size_t least = 10;
    const std::size_t room = width - std::min(width, display_width(right) + 2);
    Line line(shorten(left, room > least ? room : width), Tone::plain, true);
    if (room > least) line.spans.push_back({width - display_width(right), right, Tone::faint});
    return line;
}

std::string clock_text(double now) {
    const std::string text = time_text(now);
    return text.substr(text.find(' ') + 1);
}

// The keys of a page, the dispensable ones first to go on a narrow screen.
std::string keys_text(std::vector<std::string> keys, std::size_t width) {
    const auto joined = [&keys] {
        std::string text;
        for (const std::string& key : keys) text += (text.empty() ? "" : "  ") + key;
        return text;
    };
    while (display_width(joined()) > width && keys.size() > 2) keys.erase(keys.begin());
    return joined();
}

Line last_line(const Choices& choices, const std::vector<std::string>& keys, std::size_t width) {
    if (choices.asking == Asking::cancel)
        return {shorten(fmt::format("cancel trial {}? y: yes, any other key: no", choices.chosen), width), Tone::warn,
                true};
    if (choices.asking == Asking::filter)
        return {to_left("filter: " + printable(choices.filter) + "▏ Enter: keep it, Esc: as before", width),
                Tone::plain, true};
    if (!choices.message.empty()) return {shorten(printable(choices.message), width), Tone::warn, true};
    return {keys_text(keys, width), Tone::faint};
}

std::string name_of(const store::LiveOrder& order) {
    if (order.order == store::TrialOrder::metric && !order.metric.name.empty()) return printable(order.metric.name);
    constexpr const char* names[] = {"activity", "number", "metric", "progress", "time left", "time spent"};
    return names[static_cast<std::size_t>(order.order)];
}

std::string title_of(const TablePage& page, const Choices& choices) {
    std::string text = printable(page.store);
    if (!choices.order.experiment.empty()) text += " · " + printable(choices.order.experiment);
    text += " · by " + name_of(choices.order) + (choices.order.reversed ? ", reversed" : "");
    if (!choices.filter.empty()) text += " · only " + printable(choices.filter);
    return text;
}

std::string place_text(const TablePage& page, const Choices& choices) {
    const std::size_t shown = page.table.rows.size();
    if (shown == page.fitting) return count_text(shown, "trial");
    return fmt::format("{}-{} of {}", choices.first + 1, choices.first + shown, page.fitting);
}

std::string name_of_row(const Row& row) {
    const std::string settings = row.settings.empty() ? "" : " " + printable(row.settings);
    return fmt::format("trial {} of {}:{} seed={}", row.trial.id, printable(row.trial.experiment), settings,
                       row.trial.seed);
}

const Row* chosen_row(const TablePage& page, const Choices& choices) {
    const std::size_t index = choices.at - std::min(choices.at, choices.first);
    return index < page.table.rows.size() ? &page.table.rows[index] : nullptr;
}

std::string empty_text(const Choices& choices) {
    return choices.filter.empty() ? "no trials yet; they are shown here as soon as a run has planned them"
                                  : "no trial fits the filter; Esc takes it away";
}

// Until the last trial ends, if each takes as long as those of its experiment that are done, and as many as now run at
// a time; those that run are half done. NaN where that is not known.
double seconds_ahead(const std::vector<store::TrialCount>& counts) {
    std::map<std::string, double> typical;
    double running = 0, ahead = 0;
    for (const store::TrialCount& count : counts)
        if (count.status == Status::done) typical[count.experiment] = count.seconds;
    for (const store::TrialCount& count : counts) {
        if (count.status != Status::running && count.status != Status::queued) continue;
        const bool known = typical.contains(count.experiment);
        const double share = count.status == Status::running ? 0.5 : 1, trials = static_cast<double>(count.trials);
        ahead += known ? share * trials * typical.at(count.experiment) : std::nan("");
        running += count.status == Status::running ? trials : 0;
    }
    return running > 0 ? ahead / running : std::nan("");
}

// A sentence of as many lines as are given, cut at their end.
void add_wrapped(Picture& picture, const std::string& text, std::size_t width, std::size_t lines, Tone tone) {
    const std::string wrapped = wrap(text, width);
    std::string_view rest = wrapped;
    for (std::size_t i = 0; i < lines && !rest.empty(); ++i) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const bool cut = i + 1 == lines && end + 1 < rest.size();
        picture.emplace_back(shorten(std::string(rest.substr(0, end)) + (cut ? " …" : ""), width), tone);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

std::string curve_text(const TrialPage& page, const Choices& choices) {
    std::string text = printable(metric_title(page.metric));
    if (!page.summary) return text;
    const store::MetricSummary& summary = *page.summary;
    const bool high = metric_info(page.metric).goal == Goal::high;
    if (std::isfinite(high ? summary.max : summary.min))
        text += fmt::format(": {} {} at step {},", high ? "highest" : "lowest",
                            number_text(high ? summary.max : summary.min), high ? summary.max_step : summary.min_step);
    text += fmt::format(" last {} at step {}", number_text(summary.last), summary.last_step);
    if (summary.nonfinite > 0)
        text += fmt::format("; {} not finite", count_text(static_cast<std::size_t>(summary.nonfinite), "point"));
    if (page.logarithmic) return text + "; logarithmic";
    return text + (choices.logarithmic.value_or(false) ? "; not all are positive: no logarithm" : "");
}

std::string figures_text(const TrialPage& page) {
    std::string text;
    for (const auto& [name, value] : page.figures)
        text += (text.empty() ? "" : ", ") + printable(name) + " " + number_text(value);
    return text.empty() ? text : "final: " + text;
}

// What stands above the plot and above the log.
Picture about_trial(const TrialPage& page, Size size) {
    const Tone tone = tone_of(page.row.trial.status);
    Picture picture = {both_ends(name_of_row(page.row), clock_text(page.now), size.width)};
    add_wrapped(picture, sentence_about(page.row.trial, page.now), size.width, 2,
                tone == Tone::good ? Tone::plain : tone);
    picture.resize(lines_about_trial - 1);
    picture.emplace_back(shorten(figures_text(page), size.width));
    return picture;
}

void add_log(Picture& picture, const std::vector<std::string>& log, std::size_t width) {
    for (const std::string& line : log) picture.emplace_back(shorten(line, width));
}

void fill(Picture& picture, Size size, Line last) {
    picture.resize(size.height - 1);
    picture.push_back(std::move(last));
}

}  // namespace

std::size_t table_lines_of(Size size) { return size.height - lines_above - lines_below; }

std::size_t log_lines_of(Size size) { return size.height - lines_about_trial - 2; }

std::size_t log_lines_beside_plot(Size size) {
    return size.height < 20 ? 0 : std::min<std::size_t>((size.height - lines_about_trial - 4) / 4, 10);
}

std::string counts_text(const std::vector<store::TrialCount>& counts) {
    std::map<Status, std::int64_t> by_status;
    for (const store::TrialCount& count : counts) by_status[count.status] += count.trials;
    const auto part = [&by_status](Status status) { return fmt::format("{} {}", by_status[status], name_of(status)); };
    std::vector<std::string> going, ended;
    for (const Status status : {Status::running, Status::queued})
        if (by_status[status] > 0) going.push_back(part(status));
    if (const double left = seconds_ahead(counts); left > 0) going.push_back("about " + brief_duration(left) + " left");
    for (const auto& [status, count] : by_status)
        if (status != Status::running && status != Status::queued) ended.push_back(part(status));
    return fmt::format("{}{}{}", fmt::join(going, ", "), going.empty() || ended.empty() ? "" : "; ",
                       fmt::join(ended, ", "));
}

Picture table_picture(const TablePage& page, const Choices& choices, Size size) {
    const std::string place = place_text(page, choices) + "  " + clock_text(page.now);
    Picture picture = {both_ends(title_of(page, choices), place, size.width),
                       Line(shorten(counts_text(page.counts), size.width))};
    const Row* chosen = chosen_row(page, choices);
    for (Line& line : table_lines(page.table, chosen == nullptr ? 0 : chosen->trial.id, size.width))
        picture.push_back(std::move(line));
    if (page.table.rows.empty()) picture.emplace_back(shorten("  " + empty_text(choices), size.width));
    picture.resize(size.height - lines_below);
    if (chosen != nullptr) {
        const Tone tone = chosen->trial.error.empty() ? Tone::plain : tone_of(chosen->trial.status);
        picture.emplace_back(shorten(name_of_row(*chosen), size.width));
        picture.emplace_back(shorten(sentence_about(chosen->trial, page.now), size.width), tone);
    }
    fill(picture, size,
         last_line(choices,
                   {"m metric", "/ filter", "s sort", "Enter curve", "l log", "c cancel", "p pause", "r retry",
                    "? help", "q quit"},
                   size.width));
    return picture;
}

Picture trial_picture(const TrialPage& page, const Choices& choices, Size size) {
    Picture picture = about_trial(page, size);
    const std::size_t log = std::min(page.log.size(), log_lines_beside_plot(size));
    const std::size_t plot_lines = size.height - lines_about_trial - 2 - (log > 0 ? log + 1 : 0);
    if (page.metric.empty()) picture.emplace_back("no curve yet: no metric has two points");
    else picture.emplace_back(shorten(curve_text(page, choices), size.width), Tone::plain, true);
    if (!page.metric.empty())
        for (std::string& line : plot(page.points, {size.width, plot_lines}, page.logarithmic))
            picture.emplace_back(std::move(line));
    picture.resize(lines_about_trial + 1 + plot_lines);
    if (log > 0) picture.emplace_back("log", Tone::plain, true);
    add_log(picture, {page.log.end() - static_cast<std::ptrdiff_t>(log), page.log.end()}, size.width);
    fill(picture, size,
         last_line(choices,
                   {"↑↓ other trial", "m metric", "y log scale", "l log", "c cancel", "p pause", "r retry", "Esc back",
                    "? help", "q quit"},
                   size.width));
    return picture;
}

Picture log_picture(const TrialPage& page, const Choices& choices, Size size) {
    Picture picture = about_trial(page, size);
    picture.emplace_back(
        choices.back == 0 ? "log, its end" : fmt::format("log, {} before its end", count_text(choices.back, "line")),
        Tone::plain, true);
    if (page.log.empty()) picture.emplace_back("nothing was printed");
    add_log(picture, page.log, size.width);
    fill(
        picture, size,
        last_line(choices,
                  {"c cancel", "p pause", "r retry", "PgUp PgDn scroll", "End newest", "Esc curve", "? help", "q quit"},
                  size.width));
    return picture;
}

Picture too_small_picture() {
    return {Line(fmt::format("{} x {} at least", least_size.width, least_size.height)), Line("q: quit")};
}

}  // namespace marginalia::top
