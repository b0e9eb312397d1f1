// What the host asks of a worker about states: the second half of `score`, `sample`, `complete`, `marginals` and
// `checkpoint export`. It travels as CBOR, as names of files need not be UTF-8.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernel/wire/recorder.h"
#include "kernel/wire/state_format.h"

namespace marginalia {

// Figures of regions and of pairs of sites.
struct FiguresRequest {
    using Names = std::pair<std::string, std::string>;
    std::vector<Names> regions;                                // a name and its sites (kernel/worker/states/regions.h)
    std::vector<Names> between;                                // two of the names, or one and "rest"
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;  // of sites
    bool correlations = false;                                 // of sites at each distance along the axes
    bool free_energy = false;                                  // of the given state
    bool exact = false;                                        // beside each figure, where the energy offers it
    double log_z = std::numeric_limits<double>::quiet_NaN();   // of the trial's energy, nats; NaN: not known
    double log_z_stderr = 0;                                   // 0: it is exact
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FiguresRequest, regions, between, pairs, correlations, free_energy, exact, log_z,
                                   log_z_stderr)

struct InferenceRequest {
    enum class Verb { score, sample, complete, marginals, export_model, figures };

    Verb verb = Verb::score;
    TrialRequest trial;  // config, checkpoint, device, threads, seed of what is drawn; no checkpoint: the energy alone
    int checkpoint_descriptor = -1;           // where the worker finds that checkpoint; -1: there is none
    std::int64_t trial_number = 0, step = 0;  // whose checkpoint, in the store; for the host alone
    std::string label;                        // for people, as "trial 3, step 600"
    std::vector<std::string> plugin_files;
    FiguresRequest figures;
    std::string states;              // given states: file, or "-" for standard input; empty: none are given
    bool states_are_text = false;    // `states` is itself the text of one
    std::int64_t count = 0;          // states to sample or to make figures of, or completions of each given state
    std::int64_t batch = 512;        // rows that the network takes at a time
    std::int64_t passes = 0;         // of the network a state; 0: one a site
    std::string precision = "auto";  // of the conditionals: auto, as they were trained; float32; bfloat16
    bool metropolis = false;         // sample: states of the energy, by proposals of the model
    std::string holding;             // sample: so many sites hold a symbol, "1=50,2=3"; empty: as it comes
    std::int64_t exchange = -1;      // sample: sweeps of exchanges after each proposal; -1: where few are accepted
    OutputRequest output;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(InferenceRequest, verb, trial, checkpoint_descriptor, label, plugin_files, figures,
                                   states, states_are_text, count, batch, passes, precision, metropolis, holding,
                                   exchange, output)

}  // namespace marginalia
