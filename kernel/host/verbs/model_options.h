// What the verbs that ask a trained model share on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/base/pictures.h"
#include "kernel/host/verbs/verb.h"

namespace marginalia {

// A checkpoint of a trial, and how it is asked.
struct ModelOptions {
    std::string trial;                 // number, hash prefix, "last", "best:METRIC"
    std::optional<std::int64_t> step;  // of its checkpoint; none: the newest
    std::int64_t seed = 0;
    std::string device = "cpu";
    std::int64_t passes = 0;  // of the network a state; 0: one a site
    std::string precision = "auto";
    std::vector<std::string>
        conditions;  // "coupling=0.3": the energy that it is asked about; none: the first it learnt
};

// What `sample`, `complete` and `marginals` take.
struct InferenceOptions {
    ModelOptions model;
    std::string states;  // the text of one, or a file of them; "-": standard input
    std::int64_t count =
        0;  // states to sample, or completions of each given one; 0: as many as the verb does by itself
    std::int64_t batch = 512;
    std::string file;    // empty: standard output
    std::string format;  // empty: by the file's ending, else for who reads standard output
    PictureWish pictures = PictureWish::automatic;
    bool metropolis = false;     // of `sample`: states of the energy
    std::string holding;         // of `sample`: numbers of symbols
    std::int64_t exchange = -1;  // of `sample`: sweeps of exchanges; -1: none was named
};

inline constexpr const char* forms_of_states = "text, csv, json, npy, png, svg or blocks, whatever the file's ending";

// --condition.
void add_condition(CLI::App* verb, std::vector<std::string>& conditions);
// --step, --condition, --seed (what it seeds) and --device.
void add_model_options(CLI::App* verb, ModelOptions& options, const char* seed_of);
// --passes and --precision, for verbs whose densities are those of drawing.
void add_drawing_options(CLI::App* verb, ModelOptions& options);
// --states, also called --given: a state, a file of states, or "-". `name`: the one that messages have.
CLI::Option* add_states(CLI::App* verb, std::string& states, const std::string& name = "--states");
void add_batch(CLI::App* verb, std::int64_t& batch);
// --pictures: whether a terminal is shown pictures.
void add_pictures(CLI::App* verb, PictureWish& wish);
// --out, --format and --batch.
void add_output_options(CLI::App* verb, InferenceOptions& options, const char* formats);

}  // namespace marginalia
