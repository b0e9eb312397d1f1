// What `--help` of a verb says below its options: meanings, examples, exit codes.
#pragma once

namespace marginalia {

inline constexpr const char* score_footer = R"(Of an experiment file, full states by its energy:
  log_f          log f(x) in nats, not normalised; then the energy's observables
Of a trained TRIAL, full or partial states by its model, unknown sites as _ or □ (K or -1 in .npy):
  log_marginal   log p of what is known, in nats, from one pass of the network; only where the
                 objective trains it (ao-arm does not)
  log_density    the same by a chain of conditionals, one known site after another in a random order (--seed)
Their difference is how far the model's two heads disagree.

Examples:
  printf '0110\n' | marginalia score experiment.toml --states -
  printf '01__\n' | marginalia score best:kl --states -)";

inline constexpr const char* sample_footer =
    R"(Without --out a terminal is shown pictures of blocks where the sites lie in rows and columns, and text otherwise;
a pipe is given text. Formats, which are also the endings of --out:
  .txt    a state a line, as the energy or dataset prints it
  .csv    a state a line, its symbols 0 to K-1 divided by commas
  .json   an object a line: text, states (the symbols), log_p (nats)
  .npy    uint8 (n, sites)
  .png    a grid of pictures; two symbols are black and white
  .svg    a grid of drawings, for molecules

Examples:
  marginalia sample last -n 64 -o samples.png
  marginalia sample best:nll_bits -n 1000 --seed 1 -o samples.npy)";

inline constexpr const char* complete_footer =
    R"(Known sites stay as they are; the others are drawn one after another in a random order, given the known ones. A
terminal is shown each given state and then its completions with their log p(unknown | known) in nats; the formats
of --out are those of `sample`, in .json with the given state too. In .npy files K or -1 is unknown.

Examples:
  marginalia complete last --given '01__0_1_' -n 4
  marginalia complete last --given halves.txt -n 8 -o completed.png)";

inline constexpr const char* marginals_footer =
    R"(Unknown sites are _ or □ (K or -1 in .npy). The states may be any number; a batch of them is in memory at a time.
  .csv    row, log_marginal (nats), state; for a pipe and a terminal too
  .json   an object a line: row, text, log_marginal
  .npy    float64 (n)
log_marginal is what `score` prints under that name. Where the objective does not train it (ao-arm), ask `score` for
log_density.

Examples:
  printf '01__\n' | marginalia marginals last --states -
  marginalia marginals best:kl --states states.npy -o log_marginals.npy)";

inline constexpr const char* checkpoint_export_footer =
    R"(The module is rebuilt from the trial's plugins, with the weights that sample and marginals use:
  log_marginal(x)        (B, D) int64 symbols 0..K-1, K where a site is unknown -> (B): log p(x_S) in nats
  conditional_logits(x)  (B, D) -> (B, D, K): logits of p(x_d | x_S), of use where x_d is unknown
Where the objective's log p is not the network's (mam-heat-bath and mam-balance add the energy's part and log Z; arm, pcd,
the gflownets and ao-arm train no marginals) there is no log_marginal: a line says so, and the bare network is the
module's `network`.

Examples:
  marginalia checkpoint export last --out model.pt
  python3 -c 'import torch; m = torch.jit.load("model.pt"); print(m.log_marginal(torch.full([1, 16], 2)))')";

inline constexpr const char* table_footer =
    R"(An experiment file with a [table] says itself how its results are printed: without --rows, --columns and
--metric that table is printed, ours and the published figures of each method (docs/experiment-files.md).

Examples:
  marginalia table ising-10x10 --rows learning_rate --columns channels --metric kl
  marginalia table ising-10x10 --format latex)";

inline constexpr const char* recover_footer =
    R"(It says how many trials, points and checkpoints it kept, and how many are known to be lost. Rows that others need
and that are lost get a stand-in: a run without provenance, a trial without its config.

Example:
  marginalia recover marginalia.db --out recovered.db

Exit codes: 0 the new store is whole, 4 nothing was made (the message says why).)";

inline constexpr const char* check_plugin_footer = R"(Later parameters win; the plugin's defaults for the rest.

Examples:
  marginalia check-plugin build/chain.so conformance.toml weight=0.3
  marginalia check-plugin ising rows=3 columns=4
  marginalia check-plugin energy/torchscript file=clock.pt

Exit codes: 0 every promise kept, 1 one is not, 2 bad parameters, 3 no such plugin or it is refused.)";

inline constexpr const char* new_plugin_footer = R"(It prints the commands that build, check and run it.

Examples:
  marginalia new-plugin energy spin-glass
  marginalia new-plugin dataset my-rows --dir plugins/my-rows

Exit codes: 0 written, 2 nothing written (the message says why).)";

}  // namespace marginalia
