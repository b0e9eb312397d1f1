// `show`: everything the store knows of one trial.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>

#include "kernel/base/output_file.h"
#include "kernel/base/pictures.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/trial_json.h"
#include "kernel/host/run/blame.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/provenance_facts.h"
#include "kernel/host/verbs/show_pictures.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/metrics.h"
#include "store/live.h"
#include "store/rungs.h"

namespace marginalia {
namespace {

struct ShowOptions {
    std::string trial;  // number, hash prefix, "last", "best:METRIC"
    bool toml = false;  // only the trial's experiment file
    std::string pictures =
        "auto";  // as --pictures of sample, or a folder, to be made, for the SVG files among its samples
};

using Facts = std::vector<std::pair<std::string, std::string>>;

void print_facts(const std::string& title, const Facts& facts, std::ostream& out) {
    if (facts.empty()) return;
    if (!title.empty()) fmt::print(out, "\n{}\n", title);
    std::size_t width = 0;
    for (const auto& [key, value] : facts) width = std::max(width, display_width(printable(key)));
    const std::size_t limit = screen().width, room = limit > width + 24 ? limit - width - 4 : 0;
    for (const auto& [key, value] : facts) {
        const std::string name = printable(key), text = printable(value);
        out << "  " << name << std::string(width - display_width(name) + 2, ' ');
        const std::vector<std::string> lines = room > 0 ? broken(text, room) : std::vector{text};
        for (std::size_t i = 0; i < lines.size(); ++i)
            out << (i > 0 ? std::string(width + 4, ' ') : "") << lines[i] << '\n';
    }
}

std::string time_of(const std::optional<double>& time) { return time ? time_text(*time) : "—"; }

// "NVIDIA H200, 150 GB, GPU-b3f5..., driver 580.65.06, CUDA 13.0"
std::string words_of(const store::Hardware& hardware) {
    std::string words = hardware.name;
    const auto add = [&](const std::string& more) { words += (words.empty() ? "" : ", ") + more; };
    if (hardware.memory > 0) add(bytes_text(static_cast<std::uint64_t>(hardware.memory)));
    if (!hardware.id.empty()) add(hardware.id);
    if (!hardware.driver.empty()) add("driver " + hardware.driver);
    return words;
}

Facts life(const store::TrialDetails& details) {
    const store::Trial& trial = details.trial;
    Facts facts = {{"seed", std::to_string(trial.seed)}, {"config hash", trial.config_hash}};
    if (trial.attempts > 0) {
        std::string where = trial.device;
        if (details.threads > 0) where += ", " + count_text(static_cast<std::size_t>(details.threads), "thread");
        facts.emplace_back("ran on", where + (trial.host.empty() ? "" : " of " + trial.host));
        if (const std::string what = words_of(details.hardware); !what.empty()) facts.emplace_back("device", what);
        facts.emplace_back("attempts", std::to_string(trial.attempts));
    }
    if (trial.trained && !trial.evaluated && trial.evaluation != 0)
        facts.emplace_back("evaluation", "not done: the training is over, its evaluation is " +
                                             std::string(store::name_of(trial.status)));
    facts.emplace_back("created", time_of(trial.created));
    if (trial.started) facts.emplace_back("started", time_of(trial.started));
    if (trial.finished) facts.emplace_back("finished", time_of(trial.finished));
    if (const auto seconds = running_time(trial, now_seconds())) facts.emplace_back("time", duration_text(*seconds));
    facts.emplace_back("file", details.sweep.file);
    if (!trial.tags.empty()) facts.emplace_back("tags", trial.tags);
    return facts;
}

void print_notes(const store::TrialDetails& details, std::ostream& out) {
    if (details.notes.empty()) return;
    out << "\nnotes\n";
    for (const store::Note& note : details.notes)
        out << wrap(time_text(note.created) + "  " + note.text, screen().width, 2);
}

std::map<std::string, double> finals_of(const store::TrialDetails& details) {
    std::map<std::string, double> finals;
    for (const store::FinalMetric& metric : details.final_metrics) finals[metric.name] = metric.value;
    return finals;
}

void print_finals(const store::TrialDetails& details, std::ostream& out) {
    const std::map<std::string, double> finals = finals_of(details);
    if (finals.empty()) return;
    std::vector<std::string> names;
    for (const auto& [name, value] : finals) names.push_back(name);
    out << "\nfinal metrics\n\n";
    Table table({{.name = "metric", .role = Role::key}, {"value", true}, {"unit"}, {.name = "what it is", .drop = 1}});
    for (const std::string& name : by_importance(names)) {
        const MetricInfo info = metric_info(name);
        const auto error = finals.find(name + "_stderr");
        if (name.ends_with("_stderr") && finals.contains(name.substr(0, name.size() - 7))) continue;
        const std::string text = error != finals.end() ? estimate_text(finals.at(name), error->second)
                                                       : number_text(finals.at(name), name.ends_with("_exact") ? 8 : 6);
        table.add_row({name, {text, finals.at(name)}, info.unit, info.about});
    }
    table.print(out, Format::text, screen());
}

void print_curves(const store::TrialDetails& details, std::ostream& out) {
    if (details.metrics.empty()) return;
    out << "\nrecorded metrics\n\n";
    Table table({{.name = "metric", .role = Role::key},
                 {"last", true},
                 {"min", true},
                 {"at step", true},
                 {"max", true},
                 {"points", true},
                 {"not finite", true}});
    for (const store::MetricSummary& metric : details.metrics)
        table.add_row({metric_title(metric.name), Cell::number(metric.last), Cell::number(metric.min),
                       Cell::integer(metric.min_step), Cell::number(metric.max), Cell::integer(metric.n),
                       metric.nonfinite > 0 ? Cell::integer(metric.nonfinite) : Cell()});
    table.print(out, Format::text, screen());
}

// The keys in which an evaluation differs from the one that is shown.
std::string differences(const store::EvaluationInfo& one, const store::EvaluationInfo& shown) {
    const auto theirs = nlohmann::json::parse(one.config, nullptr, false).flatten(),
               ours = nlohmann::json::parse(shown.config, nullptr, false).flatten();
    std::string text;
    for (const auto& [path, value] : theirs.items()) {
        if (ours.contains(path) && ours.at(path) == value) continue;
        std::string key = path.substr(1);
        std::ranges::replace(key, '/', '.');
        text += (text.empty() ? "" : ", ") + key + " " + value.dump();
    }
    return text;
}

// Those that are not shown, with the figures that tell most.
void print_evaluations(const store::TrialDetails& details, std::ostream& out) {
    if (details.evaluations.size() < 2 || !details.evaluations.front().shown) return;
    constexpr std::size_t most = 3;
    Facts facts;
    for (const store::EvaluationInfo& one : details.evaluations) {
        if (one.shown) continue;
        std::map<std::string, double> figures;
        std::vector<std::string> names;
        for (const store::FinalMetric& figure : one.figures) {
            figures[figure.name] = figure.value;
            if (!figure.name.ends_with("_stderr")) names.push_back(figure.name);
        }
        std::string text(one.status == store::Status::done ? "" : store::name_of(one.status));
        names = by_importance(names);
        for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
            text += (text.empty() ? "" : ", ") + names[i] + " " + number_text(figures.at(names[i]));
        facts.emplace_back(differences(one, details.evaluations.front()), text);
    }
    print_facts("other evaluations", facts, out);
}

// Where a stopping rule compared it with others.
Facts rungs_passed(store::Store& store, store::TrialId trial) {
    Facts facts;
    for (const store::Rung& rung : store::rungs_of(store, trial))
        facts.emplace_back(fmt::format("step {}", rung.step),
                           fmt::format("{}, {}{}", number_text(rung.value), store::name_of(rung.decision),
                                       rung.decided ? " " + time_text(*rung.decided) : ""));
    return facts;
}

Facts kept(const store::TrialDetails& details) {
    Facts facts;
    for (const store::CheckpointInfo& checkpoint : details.checkpoints)
        facts.emplace_back(fmt::format("step {}", checkpoint.step),
                           fmt::format("{}, {}", bytes_text(static_cast<std::uint64_t>(checkpoint.bytes)),
                                       time_text(checkpoint.created)));
    return facts;
}

// What is kept of samples; of a line of text, such as the report of how reference states were drawn, the line itself.
Facts kept_samples(store::Store& store, const store::TrialDetails& details) {
    constexpr std::int64_t longest_line = 1000;
    Facts facts;
    for (const store::SampleInfo& sample : details.samples) {
        std::string text = fmt::format("{} at step {}, {}", sample.kind, sample.step,
                                       bytes_text(static_cast<std::uint64_t>(sample.bytes)));
        if (sample.kind == "text" && sample.bytes <= longest_line)
            for (const store::Sample& known : store::samples_of(store, details.trial.id, sample.name))
                if (known.step == sample.step && known.data.find('\n') == std::string::npos) text = known.data;
        facts.emplace_back(sample.name, std::move(text));
    }
    return facts;
}

// Samples that are texts of several lines, such as drawn rows of a table: the newest of each name.
void print_texts(store::Store& store, const store::TrialDetails& details, std::ostream& out) {
    constexpr std::int64_t longest_text = 20'000;
    std::map<std::string, std::string> newest;
    for (const store::SampleInfo& info : details.samples)
        if (info.kind == "text" && info.bytes <= longest_text)
            for (const store::Sample& sample : store::samples_of(store, details.trial.id, info.name))
                if (sample.data.find('\n') != std::string::npos) newest[sample.name] = sample.data;
    for (const auto& [name, text] : newest) {
        out << '\n' << printable(name) << '\n';
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) out << "  " << printable(line) << '\n';
    }
}

// Of a trial that failed or was lost; what a crash printed of its stack is for `logs`.
void print_last_output(store::Store& store, store::TrialId trial, std::ostream& out) {
    constexpr std::size_t most = 10, with_stack = most + 60;
    std::istringstream text(store::log_tail(store, trial, with_stack));
    std::deque<std::string> lines;
    for (std::string line; std::getline(text, line);)
        if (!is_stack_line(line)) lines.push_back(line);
    while (lines.size() > most) lines.pop_front();
    if (!lines.empty()) out << "\nlast output (marginalia logs " << trial << ")\n";
    for (const std::string& line : lines) out << "  " << printable(line) << '\n';
}

void print_text(store::Store& store, const store::TrialDetails& details, std::ostream& out) {
    const store::Trial& trial = details.trial;
    const Screen view = screen();
    fmt::print(out, "trial {} of {}: {}\n\n", trial.id, printable(trial.experiment),
               toned(std::string(store::name_of(trial.status)), tone_of(trial.status), view.colour));
    print_facts("", life(details), out);
    const bool is_failure = trial.status != store::Status::pruned;
    if (!trial.error.empty())
        out << (is_failure ? "\nerror\n" : "\nreason\n") << wrap(printable_lines(trial.error), view.width, 2);
    print_notes(details, out);
    if (store::facts_of(trial.status).mood == store::Mood::bad) print_last_output(store, trial.id, out);
    const FlatConfig config = config_of(store, trial);
    Facts settings = lines_of(config, key_order(store, trial.experiment));
    for (auto& [key, value] : settings) value = shown_value(value);
    print_facts("config", settings, out);
    print_finals(details, out);
    print_evaluations(details, out);
    print_curves(details, out);
    print_facts("rungs", rungs_passed(store, trial.id), out);
    print_facts("checkpoints", kept(details), out);
    print_facts("samples", kept_samples(store, details), out);
    print_texts(store, details, out);
    const auto provenance = provenance_facts(details.sweep.provenance);
    print_facts("provenance", {provenance.begin(), provenance.end()}, out);
}

// The newest of each name, as trial-NUMBER-NAME.svg.
void write_pictures(store::Store& store, store::TrialId trial, const std::filesystem::path& folder, std::ostream& out) {
    int written = 0;
    for (const store::Sample& sample : store::samples_of(store, trial, {}, true)) {
        if (sample.kind != "svg") continue;
        std::error_code failed;
        std::filesystem::create_directories(folder, failed);
        if (failed) throw Error(fmt::format("the folder {} cannot be made: {}", folder.string(), failed.message()));
        const std::filesystem::path name = folder / fmt::format("trial-{}-{}.svg", trial, file_name_of(sample.name));
        OutputFile file(name, "--pictures");
        file.stream() << sample.data;
        file.commit();
        out << name.string() << '\n';
        ++written;
    }
    if (written == 0)
        throw Error(fmt::format(
            "trial {} has no drawings or histograms: they are made where its energy draws states or has a target "
            "for an observable, when its training ends",
            trial));
}

int show_verb(const Common& common, const ShowOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    const std::optional<PictureWish> wish = picture_wish(options.pictures);
    if (!wish) {
        write_pictures(store, details.trial.id, options.pictures, out);
    } else if (options.toml) {
        out << to_toml(details.trial.experiment, nlohmann::json::parse(details.trial.config), details.trial.seed);
    } else if (common.format == Format::json) {
        out << trial_json(store, details).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    } else {
        print_text(store, details, out);
        if (const TerminalPictures pictures = terminal_pictures(*wish); pictures.any())
            print_pictures(store, details, pictures, out);
    }
    return exit_ok;
}

}  // namespace

void add_show(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "show", "Everything about one trial", show_verb);
    verb->add_option("trial", options.trial, a_trial)->required()->check(names_a_trial);
    verb->add_flag("--toml", options.toml, "only its experiment file, ready to run");
    verb->add_option(
        "--pictures", options.pictures,
        "of its samples, in a terminal: auto (where it is known to take them), always or never; or a folder, into "
        "which drawings and histograms are written as SVG files");
    add_format(verb, line, "text or json");
}

}  // namespace marginalia
