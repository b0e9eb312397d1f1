#include "kernel/host/top/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/host/chart/scale.h"
#include "kernel/host/top/filter.h"
#include "kernel/host/top/log_text.h"
#include "kernel/spec/metrics.h"
#include "store/live.h"

namespace marginalia::top {
namespace {

constexpr std::size_t most_configs = 64;  // read to find what tells an experiment's trials apart
constexpr std::size_t most_figures = 12;

store::LiveMetric::Of shown_of(const std::string& metric) {
    using Of = store::LiveMetric::Of;
    const Goal goal = metric_info(metric).goal;
    return goal == Goal::low ? Of::lowest : goal == Goal::high ? Of::highest : Of::last;
}

// By which people judge a trial, the most telling first: those of rankings, those in the line of a trial that runs.
std::vector<std::string> telling_metrics() {
    std::vector<std::string> names = ranking_metrics();
    names.insert(names.end(), told_metrics().begin(), told_metrics().end());
    return names;
}

// The most telling of those that are there, else the first; empty: there is none.
std::string most_telling(const std::vector<std::string>& there) {
    for (const std::string& name : telling_metrics())
        if (std::ranges::find(there, name) != there.end()) return name;
    return there.empty() ? "" : there.front();
}

bool is_more_telling(const std::string& metric, const std::string& than) {
    const std::vector<std::string> names = telling_metrics();
    return std::ranges::find(names, metric) < std::ranges::find(names, than);
}

// What can be compared between trials or drawn by steps, main metrics first.
std::vector<std::string> results_among(std::vector<std::string> names) {
    std::erase_if(names, [](const std::string& name) { return is_reference(name) || axis_of(name) != Axis::step; });
    return by_importance(std::move(names));
}

void choose_metric(store::Store& store, Choices& choices, const std::vector<store::TrialId>& trials) {
    store::LiveMetric& metric = choices.order.metric;
    if (!choices.own_metric && !trials.empty()) {
        const std::string better = most_telling(results_among(store::metric_names(store, trials)));
        if (metric.name.empty() || is_more_telling(better, metric.name)) metric.name = better;
    }
    metric.of = shown_of(metric.name);
}

std::string settings_text(const FlatConfig& config, const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys)
        if (config.contains(key))
            text += (text.empty() ? "" : " ") + short_key(key, keys) + "=" + shown_value(config.at(key));
    return text;
}

// A trial that runs has come to its last point at least, which is written more often than its progress; one that does
// not goes on from its newest checkpoint.
void set_place(store::LiveTrial& trial, const FlatConfig& config) {
    if (trial.status == store::Status::running) {
        if (trial.phase == "training") trial.done = std::max(trial.done, std::min(trial.last_step, trial.total));
        return;
    }
    if (trial.checkpoint < 0 || trial.status == store::Status::done) return;
    const std::string steps = config.contains("train.steps") ? config.at("train.steps") : "";
    std::from_chars(steps.data(), steps.data() + steps.size(), trial.total);
    trial.done = trial.checkpoint;
    trial.phase = "training";
}

// Its end; where one scrolls back, all that is kept.
std::vector<std::string> log_of(store::Store& store, Choices& choices, Size size) {
    const bool whole = choices.page == Page::log;
    if (!whole) choices.back = 0;
    const std::size_t lines = whole ? log_lines_of(size) : log_lines_beside_plot(size);
    const std::string text =
        choices.back > 0 ? store::read_log(store, choices.chosen).text : store::log_tail(store, choices.chosen, lines);
    return window_of(log_lines(text, size.width), lines, choices.back);
}

std::vector<double> values_of(const std::vector<store::CurvePoint>& points) {
    std::vector<double> values;
    for (const store::CurvePoint& point : points) values.push_back(point.value);
    return values;
}

}  // namespace

const std::vector<std::string>& Reader::keys_of(store::Store& store, const std::string& experiment) {
    std::int64_t trials = 0;
    for (const store::TrialCount& count : counts_)
        if (count.experiment == experiment) trials += count.trials;
    auto& [known, keys] = keys_[experiment];
    if (known == trials) return keys;
    std::vector<FlatConfig> configs;
    for (const std::string& config : store::some_configs(store, experiment, most_configs))
        configs.push_back(flatten_text(config));
    std::vector<const FlatConfig*> pointers;
    for (const FlatConfig& config : configs) pointers.push_back(&config);
    keys = differing_keys(pointers, key_order(store, experiment));
    known = trials;
    return keys;
}

std::vector<Row> Reader::rows_of(store::Store& store, const std::vector<store::TrialId>& trials,
                                 const store::LiveMetric& metric) {
    std::vector<Row> rows;
    for (store::LiveTrial& trial : store::live_trials(store, trials, metric)) {
        const FlatConfig config = flatten_text(trial.config);
        Row row;
        row.settings = settings_text(config, keys_of(store, trial.experiment));
        row.trial = std::move(trial);
        set_place(row.trial, config);
        rows.push_back(std::move(row));
    }
    return rows;
}

// The counts too, which cost a walk over all trials as this does.
void Reader::read_order(store::Store& store, Choices& choices, Size size) {
    const auto wanted = [&choices](const store::TrialWords& words) { return fits(choices.filter, words); };
    counts_ = store::count_trials(store, choices.order.experiment);
    shown_.order = choices.filter.empty() ? store::ordered_trials(store, choices.order)
                                          : store::ordered_trials(store, choices.order, wanted);
    shown_.lines = table_lines_of(size);
    settle(choices, shown_.order, shown_.lines);
}

TablePage Reader::table(store::Store& store, Choices& choices, Size size) {
    choices.order.metric.of = shown_of(choices.order.metric.name);
    read_order(store, choices, size);
    const auto first = shown_.order.begin() + static_cast<std::ptrdiff_t>(choices.first);
    const auto count = std::min(shown_.lines, shown_.order.size() - choices.first);
    const std::vector<store::TrialId> visible(first, first + static_cast<std::ptrdiff_t>(count));
    choose_metric(store, choices, visible);
    shown_.metrics = results_among(store::metric_names(store));
    TablePage page{store.file().filename().string(), counts_, shown_.order.size(), {}, now_seconds()};
    page.table.order = choices.order;
    page.table.rows = rows_of(store, visible, choices.order.metric);
    const std::vector<std::string> curves = results_among(store::curve_names(store, visible));
    const bool own = std::ranges::find(curves, choices.order.metric.name) != curves.end();
    page.table.curve = own ? choices.order.metric.name : most_telling(curves);
    for (Row& row : page.table.rows)
        row.curve = values_of(store::metric_curve(store, row.trial.id, page.table.curve, curve_width(size.width)));
    const auto other = [&](const store::TrialCount& count) { return count.experiment != counts_.front().experiment; };
    page.table.one_experiment = std::ranges::none_of(counts_, other);
    return page;
}

std::optional<TrialPage> Reader::trial(store::Store& store, Choices& choices, Size size) {
    read_order(store, choices, size);
    std::vector<Row> rows = rows_of(store, {choices.chosen}, choices.order.metric);
    if (rows.empty()) return std::nullopt;
    TrialPage page;
    page.now = now_seconds();
    page.row = std::move(rows.front());
    shown_.metrics = results_among(store::curve_names(store, std::vector{choices.chosen}));
    if (std::ranges::find(shown_.metrics, choices.curve) == shown_.metrics.end())
        choices.curve = most_telling(shown_.metrics);
    page.metric = choices.curve;
    if (!page.metric.empty()) {
        page.summary = store::summary_of(store, choices.chosen, page.metric);
        page.points = store::metric_curve(store, choices.chosen, page.metric, 2 * size.width);
    }
    const std::vector<double> values = values_of(page.points);
    page.logarithmic =
        choices.logarithmic.value_or(chart::wants_logarithm(values)) && chart::may_be_logarithmic(values);
    shown_.logarithmic = page.logarithmic;
    const auto finals = store::metric_values(store, std::vector{choices.chosen});
    if (const auto found = finals.find(choices.chosen); found != finals.end()) {
        std::vector<std::string> names;
        for (const auto& [name, value] : found->second) names.push_back(name);
        for (const std::string& name : results_among(names))
            if (page.figures.size() < most_figures) page.figures.emplace_back(name, found->second.at(name));
    }
    page.log = log_of(store, choices, size);
    shown_.lines = log_lines_of(size);
    return page;
}

}  // namespace marginalia::top
