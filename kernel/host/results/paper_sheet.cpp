#include "kernel/host/results/paper_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "kernel/host/results/results.h"
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
        for (const PaperRow& row : table_.rows) add(row);
        name_unknown_metrics();
        if (!table_.limits.empty()) lines_.push_back(figures_of("limit", "", "limit", table_.limits));
        if (single_seeds_) notes_.push_back("± of a single seed: standard error over the evaluation's samples");
        return {std::move(lines_), std::move(notes_), std::move(missing_)};
    }

private:
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
        const ExperimentResults results = trials_of(row);
        std::size_t done = 0;
        for (const Group& group : results.groups) done += group.done;
        if (done == 0) missing_.push_back(row.label + ": " + words_for(row, results));
        const bool several = results.groups.size() > 1;
        if (several || results.groups.empty())
            lines_.push_back({row.label, row.label, "", "", several ? "" : "0", 0, {}, ""});
        for (const Group& group : results.groups) {
            for (const auto& [name, figure] : group.finals) known_metrics_.insert(name);
            lines_.push_back(ours(row, group, several));
        }
        if (done > 0)
            for (const std::string& column : table_.columns)
                if (const std::string metric = metric_in(row, column); !metric.empty()) wanted_metrics_.insert(metric);
        if (!row.published.empty()) lines_.push_back(figures_of("  published", row.label, "published", row.published));
    }

    PaperLine ours(const PaperRow& row, const Group& group, bool several) {
        PaperLine line{several ? "  " + group.label : row.label,
                       row.label,
                       "ours",
                       several ? group.label : "",
                       "",
                       group.done,
                       {},
                       ""};
        line.seeds = group.done == group.trials.size() ? std::to_string(group.done)
                                                       : fmt::format("{}/{}", group.done, group.trials.size());
        for (const std::string& column : table_.columns) {
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
        return line;
    }

    PaperLine figures_of(const std::string& label, const std::string& method, const std::string& source,
                         const std::map<std::string, double>& figures) const {
        constexpr int digits = 8;  // as they were given
        PaperLine line{label, method, source, "", "", 0, {}, ""};
        for (const std::string& column : table_.columns) {
            const auto found = figures.find(column);
            if (found == figures.end()) line.figures.emplace_back("—", nullptr);
            else line.figures.emplace_back(number_text(found->second, digits), nlohmann::json{found->second, nullptr});
            line.figures.back().tone = source == "published" ? Tone::faint : Tone::plain;
        }
        return line;
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
