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

inline constexpr const char* table_footer = R"(An experiment file with a [table] says itself how its results are printed: without --rows, --columns and
--metric that table is printed, ours and the published figures of each method (docs/experiment-files.md).

Examples:
  marginalia table ising-10x10 --rows learning_rate --columns channels --metric kl
  marginalia table ising-10x10 --format latex)";

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
