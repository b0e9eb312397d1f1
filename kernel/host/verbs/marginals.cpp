// `marginals`: log-marginals of given states, and figures of regions and pairs of sites.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <cmath>
#include <iostream>

#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/figure_options.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_marginals =
    R"(Of states: unknown sites are _ or □ (K or -1 in .npy). The states may be any number; a batch of them is in memory
at a time.
  .csv    row, log_marginal (nats), state; for a pipe and a terminal too
  .json   an object a line: row, text, log_marginal
  .npy    float64 (n)
log_marginal is what `score` prints under that name. Where the objective does not train it (ao-arm), ask `score` for
log_density.

Of regions and pairs of sites, given what is known of one state by --given, or nothing: entropies, mutual information
and free energies in nats, and connected correlations. A region of at most 65536 states is summed over; of others
-n states are drawn. Columns say how far each figure can be relied on: its standard error, how much more it is than by
the conditionals (gap), and by how much the sum of p over all states misses 1 (docs/inference.md).
  text    a table, if nothing else is said
  .csv    all columns, in full precision
  .json   an object a line

Examples:
  marginalia marginals last --states '01__'
  marginalia marginals best:kl --states states.npy -o log_marginals.npy
  marginalia marginals last --region 'A=rows 0-2, columns 0-2' --region 'B=[5:8, 0:3]' --between A B
  marginalia marginals last --correlations --exact --format csv)";

constexpr FormatName marginal_formats[] = {
    {"csv", StateFormat::csv}, {"json", StateFormat::json}, {"npy", StateFormat::npy}};
constexpr FormatName figure_formats[] = {
    {"text", StateFormat::text}, {"csv", StateFormat::csv}, {"json", StateFormat::json}};

struct MarginalsOptions : InferenceOptions {
    FigureOptions figures;
};

InferenceRequest ask_states(const Common& common, const MarginalsOptions& options) {
    if (options.states.empty())
        throw Error(
            "--states is required, or figures by --region, --pair, --correlations or --free-energy; `marginalia "
            "marginals --help` lists what there is");
    if (options.figures.exact || options.count > 0 || options.model.passes > 0)
        throw Error(
            "--exact, --count and --passes are of figures, which --region, --pair, --correlations and "
            "--free-energy ask for");
    const OutputRequest output = choose_output(options.format, options.file, marginal_formats, false);
    return ask_model(common, options, InferenceRequest::Verb::marginals, output);
}

InferenceRequest ask_figures(const Common& common, const MarginalsOptions& options) {
    const OutputRequest output = choose_output(options.format, options.file, figure_formats, false);
    FiguresRequest figures = read_figures(options.figures);
    InferenceRequest request = ask_model(common, options, InferenceRequest::Verb::figures, output);
    figures.log_z = request.figures.log_z;
    figures.log_z_stderr = request.figures.log_z_stderr;
    request.figures = figures;
    request.count = options.count > 0 ? options.count : 1024;
    if (figures.free_energy && std::isnan(figures.log_z))
        std::cerr << fmt::format(
            "log Z of trial {0} is not known, so that the free energy is by drawn states alone; "
            "`marginalia evaluate {0}` finds it\n",
            request.trial_number);
    return request;
}

int marginals_verb(const Common& common, const MarginalsOptions& options, std::ostream&) {
    hand_over(options.figures.any() ? ask_figures(common, options) : ask_states(common, options));
}

}  // namespace

void add_marginals(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "marginals", "Log-marginals of states; entropies and correlations of regions", marginals_verb);
    verb->footer(footer_of_marginals);
    verb->add_option("trial", options.model.trial, a_trial)->required()->check(names_a_trial);
    add_states(verb, options.states)->required(false);
    add_figure_options(verb, options.figures);
    verb->add_option("-n,--count", options.count, "states that figures are taken over; 1024 if left out")
        ->check(whole_number(2));
    add_output_options(verb, options, "csv, json, npy (of states) or text (of figures), whatever the file's ending");
    add_drawing_options(verb, options.model);
    add_model_options(verb, options.model, "of what is drawn or estimated; 0 if left out");
}

}  // namespace marginalia
