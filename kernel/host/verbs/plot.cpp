// `plot`: curves and histograms of metrics, in the terminal or as a file.
#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/files.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>

#include "kernel/base/output_file.h"
#include "kernel/base/pictures.h"
#include "kernel/base/printable.h"
#include "kernel/base/standard_output.h"
#include "kernel/base/terminal.h"
#include "kernel/host/chart/svg_chart.h"
#include "kernel/host/chart/text_chart.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/plot_curves.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_plot =
    R"(A curve is the mean over the seeds of a configuration, its band mean ± standard error, and the number behind its name
the last value. Named trials have a curve each. Of more than twelve configurations those with the best METRIC are drawn.

A terminal that takes pictures is shown one; others, and pipes, get characters: --format auto, with -o FILE what its
ending says. sixel, kitty and iterm are what such terminals draw, blocks is characters of dots, in colours on a
terminal, text is ASCII, and svg and png are as in files.

Examples:
  marginalia plot kl -e ising-10x10 --log
  marginalia plot loss 7 12 --against seconds
  marginalia plot kl loss --where 'channels = 32' -o curves.png
  marginalia plot kl --histogram)";

constexpr std::size_t least_columns = 40, least_rows = 10, most_columns = 500, most_rows = 300;
constexpr int cell_width = 10, cell_height = 20;  // pixels of a drawing for each character of its size

struct PlotOptions {
    std::vector<std::string> words;  // metrics, then trials
    std::string experiment;          // empty: that of the newest run
    std::string where;               // empty: all
    std::string against = "steps";
    bool logarithmic = false, histogram = false;
    std::string format = "auto";
    std::string size;  // "100x30"; empty: as wide as the terminal
    std::filesystem::path file;
};

struct PlotSize {
    std::size_t columns = 80, rows = 24;
};

std::string names_a_size(const std::string& text) {
    unsigned columns = 0, rows = 0;
    int end = 0;
    const bool whole = std::sscanf(text.c_str(), "%4ux%4u%n", &columns, &rows, &end) == 2 &&
                       static_cast<std::size_t>(end) == text.size();
    if (whole && columns >= least_columns && columns <= most_columns && rows >= least_rows && rows <= most_rows)
        return {};
    return fmt::format("'{}' is not a size; write COLUMNSxROWS, from {}x{} to {}x{}", text, least_columns, least_rows,
                       most_columns, most_rows);
}

PlotSize size_of(const PlotOptions& options) {
    if (!options.size.empty()) {
        const auto x = options.size.find('x');
        return {std::stoul(options.size.substr(0, x)), std::stoul(options.size.substr(x + 1))};
    }
    const std::size_t width = screen().width;
    const std::size_t columns = std::clamp<std::size_t>(width > 0 ? width : 80, least_columns, 120);
    return {columns, std::clamp<std::size_t>(columns / 4, 16, 28)};
}

// The words that are no metric are trials, but for the first.
struct Asked {
    std::vector<std::string> metrics, trials;
};
Asked asked_of(store::Store& store, const std::vector<std::string>& words) {
    const std::vector<std::string> known = store::metric_names(store);
    Asked asked;
    for (const std::string& word : words) {
        const bool is_metric = std::ranges::find(known, word) != known.end();
        const bool may_be_trial =
            word == "last" || word.starts_with("best:") || word.find_first_of("0123456789") != std::string::npos;
        if (!is_metric && (asked.metrics.empty() || !may_be_trial)) require_metric(word, known);
        (is_metric ? asked.metrics : asked.trials).push_back(word);
    }
    return asked;
}

// What is drawn, and what one calls it.
struct Chosen {
    ExperimentResults results;
    std::vector<PlotLine> lines;
    std::string title;
};

// The configurations by their final value, the best first, so that those left out are the worst.
std::vector<std::size_t> by_metric(const ExperimentResults& results, const std::string& metric) {
    const Goal goal = metric_info(metric).goal;
    const auto rank = [&](std::size_t group) {
        const auto found = results.groups[group].finals.find(metric);
        const bool known = found != results.groups[group].finals.end() && found->second.count > 0 && goal != Goal::none;
        return known ? badness(found->second.mean, goal) : std::numeric_limits<double>::infinity();
    };
    std::vector<std::size_t> order(results.groups.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, rank);
    return order;
}

// In the order of the experiment, of many the best.
std::vector<std::size_t> drawn_groups(const ExperimentResults& results, const std::string& metric) {
    std::vector<std::size_t> order = by_metric(results, metric);
    if (order.size() > chart::most_series) {
        order.resize(chart::most_series);
        std::cerr << fmt::format("{} of {} configurations are drawn, those with the best {}; --where chooses others\n",
                                 order.size(), results.groups.size(), printable(metric));
    }
    std::ranges::sort(order);
    return order;
}

Chosen chosen_trials(store::Store& store, const Asked& asked, const PlotOptions& options) {
    Chosen chosen;
    auto only = chosen_by(store, options.where);
    if (!asked.trials.empty()) {
        std::vector<store::TrialId> ids;
        for (const std::string& name : asked.trials) ids.push_back(find_trial(store, name, options.experiment).id);
        if (only) std::erase_if(ids, [&](store::TrialId id) { return !std::ranges::binary_search(*only, id); });
        chosen.title = trials_text(ids);
        chosen.results = load_results(store, {.only = ids}, true);
    } else {
        chosen.title = find_experiment(store, options.experiment);
        chosen.results = load_results(store, {.experiment = chosen.title, .only = std::move(only)}, true);
    }
    if (chosen.results.trials.empty())
        throw store::StoreError(store::StoreError::Kind::no_match,
                                fmt::format("no trial of {} meets the condition", printable(chosen.title)));
    const bool several = chosen.results.groups.size() > 1;
    for (const std::size_t number : drawn_groups(chosen.results, asked.metrics.front())) {
        const Group& group = chosen.results.groups[number];
        PlotLine line{several ? group.label : "", {}};
        for (const std::size_t index : group.trials) {
            const store::Trial& trial = chosen.results.trials[index].trial;
            if (asked.trials.empty()) line.trials.push_back(trial);
            else
                chosen.lines.push_back(
                    {fmt::format("trial {}{}{}", trial.id, several ? ", " : "", line.label), {trial}});
        }
        if (asked.trials.empty()) chosen.lines.push_back(std::move(line));
    }
    return chosen;
}

std::vector<chart::Chart> charts_of(store::Store& store, const PlotOptions& options) {
    const Asked asked = asked_of(store, options.words);
    if (options.against != "steps" && options.against != "seconds")
        require_metric(options.against, store::metric_names(store));
    const Chosen chosen = chosen_trials(store, asked, options);
    const PlotRequest request{chosen.title, options.against, options.logarithmic};
    std::vector<chart::Chart> charts;
    for (const std::string& metric : asked.metrics)
        charts.push_back(options.histogram ? histogram_chart(metric, chosen.results, request)
                                           : curves_chart(store, metric, chosen.lines, request));
    return charts;
}

// What --format, the file's ending and standard output come to.
std::string format_of(const PlotOptions& options, TerminalPictures& pictures) {
    const bool to_file = !Output::is_standard(options.file);
    if (options.format != "auto") {
        pictures = pictures_by(options.format);
        if (options.format == "png" && !to_file) refuse_terminal("a picture");
        return options.format;
    }
    if (to_file) {
        for (const char* ending : {"svg", "png"})
            if (has_ending(options.file.string(), std::string(".") + ending)) return ending;
        throw Error(fmt::format("{}: its ending names no format; end it in .png or .svg, or give --format",
                                printable(options.file.string())));
    }
    pictures = terminal_pictures(PictureWish::automatic);
    return pictures.any() ? pictures.codes : locale_is_utf8() ? "blocks" : "text";
}

std::string as_text(const std::vector<chart::Chart>& charts, PlotSize size, chart::TextStyle style) {
    std::string text;
    for (const chart::Chart& chart : charts) {
        const std::size_t legend =
            chart.series.size() > 1 || !chart.series[0].label.empty() ? chart.series.size() + 1 : 0;
        const std::size_t rows = std::max(size.rows, legend + least_rows) - legend - 2;  // title and name of x
        if (!text.empty()) text += '\n';
        for (const std::string& line : chart::titled_text_chart(chart, size.columns, rows, style)) {
            text += line;
            text.erase(text.find_last_not_of(' ') + 1);
            text += '\n';
        }
    }
    return text;
}

std::string drawn(const std::vector<chart::Chart>& charts, PlotSize size, const std::string& format,
                  const TerminalPictures& pictures, bool on_terminal) {
    const int width = static_cast<int>(size.columns) * cell_width, height = static_cast<int>(size.rows) * cell_height;
    if (format == "text") return as_text(charts, size, chart::TextStyle::ascii);
    if (format == "blocks")
        return as_text(charts, size,
                       on_terminal && screen().colour ? chart::TextStyle::coloured : chart::TextStyle::plain);
    if (format == "svg") return chart::svg_charts(charts, width, height);
    if (format == "png")
        return png_of_drawing(chart::svg_charts(charts, width, height), 2 * width,
                              2 * height * static_cast<int>(charts.size()));
    std::string codes;
    for (const chart::Chart& chart : charts)
        codes += drawn_in_terminal(chart::svg_charts({&chart, 1}, width, height), pictures, size.columns, size.rows);
    return codes;
}

int plot_verb(const Common& common, const PlotOptions& options, std::ostream& out) {
    TerminalPictures pictures;
    const std::string format = format_of(options, pictures);
    store::Store store = store::Store::open_to_read(common.store);
    const std::vector<chart::Chart> charts = charts_of(store, options);
    write_out(options.file, drawn(charts, size_of(options), format, pictures, Output::is_standard(options.file)), out);
    return exit_ok;
}

}  // namespace

void add_plot(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "plot", "Curves of metrics, or their histograms over trials", plot_verb);
    verb->footer(footer_of_plot);
    verb->add_option("metric", options.words, "metrics, and behind them trials, if not all of an experiment")
        ->required();
    verb->add_option("-e,--experiment", options.experiment, "its trials; those of the newest if left out");
    add_where(verb, options.where);
    verb->add_option("--against", options.against,
                     "what x is: steps, seconds since the training started, or a metric; steps if left out");
    verb->add_flag("--log", options.logarithmic, "a logarithmic scale of the metric");
    verb->add_flag("--histogram", options.histogram, "how often trials have which final value, in place of curves");
    verb->add_option("--format", options.format,
                     "auto, sixel, kitty, iterm, blocks, text, svg or png; auto if left out")
        ->check(CLI::IsMember({"auto", "sixel", "kitty", "iterm", "blocks", "text", "svg", "png"}));
    verb->add_option("--size", options.size, "COLUMNSxROWS of each chart; by the terminal's width if left out")
        ->check(names_a_size);
    verb->add_option("-o,--out", options.file, "file to write, .png or .svg; standard output if left out or -");
}

}  // namespace marginalia
