#include "kernel/host/results/paper_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "kernel/host/results/results.h"
#include "kernel/host/results/sources.h"
#include "kernel/host/results/stored_json.h"
#include "kernel/host/results/summary.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

std::string metric_in(const PaperRow& row, const std::string& column) {
    const auto other = row.metrics.find(column);
    return other == row.metrics.end() ? column : other->second;
}

std::string conditions(const PaperRow& row) {
    std::string text;
    for (const auto& [key, values] : row.where) {
        text += (text.empty() ? "" : ", ") + key + " = ";
        for (std::size_t i = 0; i < values.size(); ++i)
            text += (i > 0 ? " or " : "") + (values[i].is_string() ? values[i].get<std::string>() : values[i].dump());
    }
    return text;
}

class PaperSheetMaker {
public:
    PaperSheetMaker(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                    const std::optional<std::vector<store::TrialId>>& only)
        : store_(store), table_(table), newest_(newest), only_(only) {}

    PaperSheet make() {
        if (!table_.note.empty()) notes_.push_back(table_.note);
        for (const std::string& target : targets()) {
            if (!target.empty()) lines_.push_back({.label = target, .target = target});
            for (const PaperRow& row : table_.rows)
                if (row.target == target) add(row);
        }
        name_unknown_metrics();
        if (!table_.limits.empty()) lines_.push_back(limits());
        if (single_seeds_) notes_.push_back("± of a single seed: standard error over the evaluation's samples");
        add_sources();
        return {std::move(lines_), std::move(notes_), std::move(missing_)};
    }

private:
    // In the order of their first rows.
    std::vector<std::string> targets() const {
        std::vector<std::string> targets;
        for (const PaperRow& row : table_.rows)
            if (std::ranges::find(targets, row.target) == targets.end()) targets.push_back(row.target);
        return targets;
    }

    // The trials that a row is about.
    ExperimentResults trials_of(const PaperRow& row) {
        const std::string name = row.experiment.empty() ? newest_.experiment : row.experiment;
        const std::vector<std::int64_t> sweeps = store::sweep_ids(store_, name);
        for (auto sweep = sweeps.rbegin(); sweep != sweeps.rend(); ++sweep) {
            std::vector<TrialResult> fitting;
            for (const TrialResult& result : trials_of_run(name, *sweep))
                if (matches(row, stored_json(result.trial.config))) fitting.push_back(result);
            if (!fitting.empty()) return gather(std::move(fitting), name, key_order(store_, name));
        }
        return gather({}, name);
    }

    // Read once: most rows are of the same run.
    const std::vector<TrialResult>& trials_of_run(const std::string& name, std::int64_t sweep) {
        const auto [found, is_new] = runs_.try_emplace(sweep);
        if (is_new) found->second = load_results(store_, {.experiment = name, .sweep = sweep, .only = only_}).trials;
        return found->second;
    }

    void add(const PaperRow& row) {
        if (row.cite.empty()) add_ours(row);
        if (!row.published.empty()) lines_.push_back(published(row));
    }

    void add_ours(const PaperRow& row) {
        const ExperimentResults results = trials_of(row);
        std::size_t done = 0;
        for (const Group& group : results.groups) done += group.done;
        if (done == 0) missing_.push_back(named(row) + ": " + words_for(row, results));
        const bool several = results.groups.size() > 1;
        if (several || results.groups.empty())
            lines_.push_back({.label = inside(row) + row.label,
                              .method = row.label,
                              .seeds = several ? "" : "0",
                              .target = row.target});
        for (const Group& group : results.groups) {
            for (const auto& [name, figure] : group.finals) known_metrics_.insert(name);
            lines_.push_back(ours(row, results, group, several));
        }
        if (done == 0) return;
        for (const std::string& column : table_.columns)
            if (const std::string metric = metric_in(row, column); !metric.empty()) wanted_metrics_.insert(metric);
    }

    // What stands under a heading stands further in.
    static std::string inside(const PaperRow& row) { return row.target.empty() ? "" : "  "; }

    static std::string named(const PaperRow& row) {
        return row.target.empty() ? row.label : row.target + ", " + row.label;
    }

    PaperLine ours(const PaperRow& row, const ExperimentResults& results, const Group& group, bool several) {
        PaperLine line{.label = inside(row) + (several ? "  " + group.label : row.label),
                       .method = row.label,
                       .source = "ours",
                       .settings = several ? group.label : "",
                       .done = group.done,
                       .target = row.target,
                       .hardware = hardware_of(results, group)};
        line.seeds = group.done == group.trials.size() ? std::to_string(group.done)
                                                       : fmt::format("{}/{}", group.done, group.trials.size());
        for (const std::string& column : table_.columns) add_figure(row, group, column, line);
        return line;
    }

    void add_figure(const PaperRow& row, const Group& group, const std::string& column, PaperLine& line) {
        const std::string metric = metric_in(row, column);
        const ShownEstimate shown = shown_estimate(group, metric);
        single_seeds_ |= shown.of_samples;
        std::string text = shown.text.empty() ? "—" : shown.text;
        if (!shown.text.empty() && metric.ends_with("_bound")) text = "≤ " + text;
        if (!shown.text.empty() && metric.ends_with("_estimate")) text = "≈ " + text;
        if (!shown.text.empty() && metric != column) {
            text += " [" + mark_of(column, metric) + "]";
            line.instead += (line.instead.empty() ? "" : ", ") + column + ": " + metric;
        }
        line.figures.emplace_back(text, shown.value);
    }

    std::string hardware_of(const ExperimentResults& results, const Group& group) {
        for (const std::size_t index : group.trials)
            if (const store::Trial& trial = results.trials[index].trial; trial.status == store::Status::done)
                return marginalia::hardware_of(store_, trial.id);
        return "";
    }

    PaperLine published(const PaperRow& row) {
        const bool ours = row.cite.empty();
        PaperLine line{.label = inside(row) + (ours ? "  published" : row.label + " [" + sources_.mark(row) + "]"),
                       .method = row.label,
                       .source = "published",
                       .target = row.target,
                       .cite = row.cite,
                       .hardware = row.hardware,
                       .second_hand = row.second_hand};
        for (const std::string& column : table_.columns) {
            const auto found = row.published.find(column);
            line.figures.push_back(found == row.published.end() ? no_figure() : figure_cell(found->second));
            line.figures.back().tone = Tone::faint;
        }
        return line;
    }

    PaperLine limits() const {
        PaperLine line{.label = "limit", .source = "limit"};
        for (const std::string& column : table_.columns) {
            const auto found = table_.limits.find(column);
            line.figures.push_back(found == table_.limits.end() ? no_figure() : figure_cell({found->second, {}}));
        }
        return line;
    }

    static Cell no_figure() { return {"—", nullptr}; }

    // As it was given.
    static Cell figure_cell(const PublishedFigure& figure) {
        constexpr int digits = 8;
        std::string text = number_text(figure.value, digits);
        if (figure.error) text += " ± " + number_text(*figure.error, digits);
        return {text, nlohmann::json{figure.value, figure.error ? nlohmann::json(*figure.error) : nlohmann::json()}};
    }

    void add_sources() {
        std::vector<std::string> notes = sources_.notes();
        if (notes.empty()) return;
        std::set<std::string> machines;
        for (const PaperLine& line : lines_)
            if (line.source == "ours" && !line.hardware.empty()) machines.insert(line.hardware);
        for (const std::string& machine : machines) notes.push_back("ours: a trial on " + machine);
        notes_.insert(notes_.end(), notes.begin(), notes.end());
    }

    // A metric that no trial has, although some of the row are finished, is most likely misspelt.
    void name_unknown_metrics() {
        for (const std::string& metric : wanted_metrics_) {
            if (known_metrics_.contains(metric)) continue;
            const std::string meant = nearest(metric, {known_metrics_.begin(), known_metrics_.end()});
            missing_.push_back("no trial has a metric '" + metric + "'" +
                               (meant.empty() ? "" : "; did you mean '" + meant + "'?"));
        }
    }

    // The letter under which it is explained that another metric stands in a column.
    std::string mark_of(const std::string& column, const std::string& metric) {
        const std::string about = metric_info(metric).about;
        const std::string note = metric + " in place of " + column + (about.empty() ? "" : ": " + about);
        const auto known = std::find(instead_.begin(), instead_.end(), note);
        const auto index = static_cast<std::size_t>(known - instead_.begin());
        const std::string mark(1 + index / 26, static_cast<char>('a' + index % 26));
        if (known == instead_.end()) {
            instead_.push_back(note);
            notes_.push_back("[" + mark + "] " + note);
        }
        return mark;
    }

    std::string words_for(const PaperRow& row, const ExperimentResults& results) const {
        const std::string option = store_option(store_);
        const std::string& name = results.name;
        if (results.trials.empty()) {
            const std::string sought = row.where.empty() ? "" : " with " + conditions(row);
            const bool known = !store::sweep_ids(store_, name).empty();
            return (known ? fmt::format("'{}' has no trial{}", name, sought)
                          : fmt::format("the experiment '{}' is not in this store", name)) +
                   fmt::format("; marginalia run {}{} makes what that file asks for", file_of(name), option);
        }
        std::size_t failed = 0;
        for (const Group& group : results.groups) failed += group.failed;
        const std::string count = count_text(results.trials.size(), "trial");
        if (failed == results.trials.size())
            return fmt::format(
                "{} failed; marginalia list -e {}{} says why, marginalia resume {}{} --retry-failed tries "
                "again",
                count, name, option, name, option);
        return fmt::format("{}, none done; marginalia resume {}{} does what is missing", count, name, option);
    }

    // The experiment's file: of its newest run, else the one of that name beside this experiment's.
    std::string file_of(const std::string& name) const {
        if (!store::sweep_ids(store_, name).empty()) return store::newest_sweep(store_, name).file;
        const fs::path beside = fs::path(newest_.file).parent_path() / (name + ".toml");
        return fs::exists(beside) ? beside.string() : name + ".toml";
    }

    store::Store& store_;
    const PaperTable& table_;
    const store::Sweep& newest_;
    const std::optional<std::vector<store::TrialId>>& only_;
    std::map<std::int64_t, std::vector<TrialResult>> runs_;  // by their sweep
    std::vector<PaperLine> lines_;
    std::vector<std::string> notes_, missing_, instead_;
    CitedSources sources_;
    std::set<std::string> known_metrics_;   // of the rows' finished trials
    std::set<std::string> wanted_metrics_;  // of rows that have any
    bool single_seeds_ = false;
};

}  // namespace

PaperSheet paper_sheet(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                       const std::optional<std::vector<store::TrialId>>& only) {
    return PaperSheetMaker(store, table, newest, only).make();
}

}  // namespace marginalia
