// One experiment: its configurations, its trials and what their figures are.
#include <marginalia/error.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/host/page/documents.h"
#include "kernel/host/page/metrics.h"
#include "kernel/host/page/statuses.h"
#include "kernel/host/results/paper_sheet.h"
#include "kernel/host/results/stored_json.h"
#include "kernel/host/results/targets.h"
#include "kernel/host/results/telling_keys.h"
#include "kernel/host/results/trial_json.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/paper_table.h"
#include "store/error.h"

namespace marginalia::page {
namespace {

bool is_number(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

Json keys_json(const ExperimentResults& results) {
    Json keys = Json::array();
    for (const std::string& key : results.differing) {
        const bool numeric = std::ranges::all_of(results.groups, [&](const Group& group) {
            const auto found = group.config->find(key);
            return found == group.config->end() || is_number(found->second);
        });
        keys.push_back({{"key", key}, {"short", short_key(key, results.differing)}, {"numeric", numeric}});
    }
    return keys;
}

Json shared_json(const ExperimentResults& results) {
    Json lines = Json::array();
    for (const auto& [key, value] : results.shared) lines.push_back({key, shown_value(value, digits_of_settings)});
    return lines;
}

// By group: its target.
std::vector<std::size_t> place_in(const std::vector<Target>& targets, std::size_t groups) {
    std::vector<std::size_t> places(groups);
    for (std::size_t t = 0; t < targets.size(); ++t)
        for (const std::size_t group : targets[t].groups) places[group] = t;
    return places;
}

Json final_json(const Group& group, const std::string& metric) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end()) return {};
    const std::optional<double> error = shown_error(group, metric);
    return {short_number(found->second.mean), error ? short_number(*error) : Json(), found->second.count};
}

Json group_json(const ExperimentResults& results, const Group& group, std::size_t target,
                const std::vector<std::string>& metrics) {
    Json values = Json::array(), finals = Json::array();
    for (const std::string& key : results.differing) {
        const auto found = group.config->find(key);
        values.push_back(found == group.config->end() ? Json() : Json(shown_value(found->second, digits_of_settings)));
    }
    for (const std::string& metric : metrics) finals.push_back(final_json(group, metric));
    return {{"label", group.label},        {"hash", group.hash}, {"target", target},
            {"values", std::move(values)}, {"done", group.done}, {"failed", group.failed},
            {"finals", std::move(finals)}};
}

Json trial_row(const TrialResult& result, std::size_t group, const std::vector<std::string>& metrics, double now) {
    const store::Trial& trial = result.trial;
    Json finals = Json::array();
    for (const std::string& metric : metrics) {
        const auto found = result.finals.find(metric);
        finals.push_back(found == result.finals.end() ? Json() : number(found->second));
    }
    const auto time = [](const std::optional<double>& seconds) { return seconds ? Json(*seconds) : Json(); };
    return {{"id", trial.id},
            {"group", group},
            {"seed", trial.seed},
            {"status", store::name_of(trial.status)},
            {"device", trial.device},
            {"host", trial.host},
            {"started", time(trial.started)},
            {"finished", time(trial.finished)},
            {"seconds", time(running_time(trial, now))},
            {"tags", tags_of(trial)},
            {"error", printable(trial.error, most_of_an_error)},
            {"finals", std::move(finals)}};
}

Json trials_json(const ExperimentResults& results, const std::vector<std::string>& metrics) {
    std::vector<std::size_t> group_of(results.trials.size());
    for (std::size_t g = 0; g < results.groups.size(); ++g)
        for (const std::size_t index : results.groups[g].trials) group_of[index] = g;
    const double now = now_seconds();
    Json rows = Json::array();
    for (std::size_t i = 0; i < results.trials.size(); ++i)
        rows.push_back(trial_row(results.trials[i], group_of[i], metrics, now));
    return rows;
}

// Without what is for the machine it ran on alone.
Json provenance_json(const store::Sweep& sweep) {
    Json record = stored_json<Json>(sweep.provenance);
    if (!record.is_object()) return Json::object();
    record.erase("code");
    return record;
}

// The [table] of the experiment's file, as `marginalia table` has it.
Json table_json(store::Store& store, const store::Sweep& newest) {
    std::optional<PaperTable> table;
    try {
        table = paper_table_of(newest.toml, newest.file);
    } catch (const Error& error) {  // of another version's making, perhaps: all else can be shown
        return {{"title", ""},
                {"columns", Json::array()},
                {"rows", Json::array()},
                {"published", Json::array()},
                {"note", error.what()}};
    }
    if (!table) return {};
    const PaperSheet sheet = paper_sheet(store, *table, newest, std::nullopt);
    Json columns = {"method", "n"}, rows = Json::array(), published = Json::array();
    for (const std::string& column : table->columns) columns.push_back(metric_title(column));
    for (const PaperLine& line : sheet.lines) {
        Json row = {line.label, line.seeds};
        for (const Cell& cell : line.figures) row.push_back(cell.text);
        rows.push_back(std::move(row));
        published.push_back(line.source == "published");
    }
    std::string note;
    for (const auto* words : {&sheet.notes, &sheet.missing})
        for (const std::string& one : *words) note += (note.empty() ? "" : "\n") + one;
    return {{"title", table->title},
            {"columns", std::move(columns)},
            {"rows", std::move(rows)},
            {"published", std::move(published)},
            {"note", note}};
}

}  // namespace

std::string experiment_named(store::Store& store, const std::string& name) {
    for (std::string& known : store::experiment_names(store))
        if (known == name || printable_lines(known) == name) return std::move(known);
    throw store::StoreError(store::StoreError::Kind::no_match,
                            "there is no experiment '" + printable(name) + "' in this store");
}

Json experiment_document(store::Store& store, const ExperimentResults& results, const std::string& where,
                         std::int64_t revision) {
    const store::Sweep newest = store::newest_sweep(store, results.name);
    const MetricNames metrics = metric_names_of(store, results);
    const std::vector<Target> targets = targets_of(results);
    const std::vector<std::size_t> target_of = place_in(targets, results.groups.size());
    Json labels = Json::array(), groups = Json::array();
    for (const Target& target : targets) labels.push_back({{"label", target.label}});
    for (std::size_t g = 0; g < results.groups.size(); ++g)
        groups.push_back(group_json(results, results.groups[g], target_of[g], metrics.all));
    return {{"name", results.name},
            {"description", newest.description},
            {"revision", revision},
            {"where", where},
            {"keys", keys_json(results)},
            {"shared", shared_json(results)},
            {"targets", std::move(labels)},
            {"metrics", metrics_json(results, metrics)},
            {"groups", std::move(groups)},
            {"trials", trials_json(results, metrics.all)},
            {"statuses", statuses_json()},
            {"table", table_json(store, newest)},
            {"file", newest.toml},
            {"provenance", provenance_json(newest)},
            {"runs", store::sweep_ids(store, results.name).size()}};
}

}  // namespace marginalia::page
