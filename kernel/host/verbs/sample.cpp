// `sample`: states drawn with a trained model.
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_sample =
    R"(Without --out a terminal is shown pictures where the sites lie in rows and columns or states are drawn, and text
otherwise; a pipe is given text. Pictures are of block characters where the terminal is not known to take others
(--pictures); --format blocks asks for these. Formats, which are also the endings of --out:
  .txt    a state a line, as the energy or dataset prints it
  .csv    a state a line, its symbols 0 to K-1 divided by commas
  .json   an object a line: text, states (the symbols), log_p (nats), log_f where chains ask an energy
  .npy    uint8 (n, sites)
  .png    a grid of pictures; two symbols are black and white
  .svg    a grid of drawings, for molecules

--metropolis makes states of the energy itself of those of an imperfect model: 16 chains whose every step is a state
drawn by the model, accepted with probability min(1, f(x') p(x) / (f(x) p(x'))). --holding 1=50 draws states of which
exactly 50 sites hold the symbol 1 (several: 1=50,2=3), as the model draws them given that, or, with --metropolis, as
the energy has them given that. Both leave out the chains' first steps until the share accepted has settled and say on
standard error how the chains went and what of it is not to be believed. Where fewer than a tenth of the proposals of
both together are accepted, as in an ordered phase, each is followed by 300 sweeps in which two sites at a time
exchange their symbols (--exchange for other numbers of sweeps; docs/inference.md).

Examples:
  marginalia sample last -n 64 -o samples.png
  marginalia sample last -n 64 --passes 64 -o quick.png    log_p is exact for what is drawn so (docs/inference.md)
  marginalia sample best:nll_bits -n 1000 --seed 1 -o samples.npy
  marginalia sample best:kl -n 4000 --metropolis -o energy.json
  marginalia sample best:kl -n 1000 --metropolis --holding 1=50 -o balanced.npy
  marginalia sample best:kl -n 1000 --metropolis --holding 1=50 --exchange 1000 -o balanced.npy
  marginalia sample last -n 64 --condition coupling=0.44   of a model of several energies (train.family))";

int sample_verb(const Common& common, const InferenceOptions& options, std::ostream&) {
    const OutputRequest output = choose_output(options.format, options.file, state_formats, true, options.pictures);
    InferenceRequest request = ask_model(common, options, InferenceRequest::Verb::sample, output);
    request.count = options.count > 0 ? options.count : 64;
    request.metropolis = options.metropolis;
    request.holding = options.holding;
    request.exchange = options.exchange;
    hand_over(request);
}

}  // namespace

void add_sample(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "sample", "Draw states with a trained model", sample_verb);
    verb->footer(footer_of_sample);
    verb->add_option("trial", options.model.trial, a_trial)->required()->check(names_a_trial);
    verb->add_option("-n,--count", options.count, "how many states; 64 if left out")->check(whole_number(1));
    add_output_options(verb, options, forms_of_states);
    add_pictures(verb, options.pictures);
    verb->add_flag("--metropolis", options.metropolis,
                   "states of the trial's energy, by chains of proposals that the model makes");
    verb->add_option("--holding", options.holding,
                     "SYMBOL=SITES,...: states in which exactly so many sites hold these symbols")
        ->check([](const std::string& text) { return text.empty() ? "'' is not SYMBOL=SITES, such as 1=50" : ""; });
    verb->add_option("--exchange", options.exchange,
                     "with --holding: sweeps in which sites exchange symbols, after each proposal; 0: none, left out: "
                     "with --metropolis 300 where few proposals are accepted")
        ->check(whole_number(0));
    add_drawing_options(verb, options.model);
    add_model_options(verb, options.model, "of what is drawn; 0 if left out");
}

}  // namespace marginalia
