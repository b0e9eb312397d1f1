// The kernel's own tables of an experiment file, [train], [evaluation], [run], [hooks], [resources] and [slurm], as
// types, each beside the one declaration of its keys: from it come the checks, the documentation and the JSON of both
// directions. And a trial's settings as a whole, which is what a worker gets.
//
// A new key of [train] or [evaluation] needs a value that is `absent` (identity.h), or else it changes the hash of
// every trial, and finished ones in old stores are not found again.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/schema.h"

namespace marginalia {

// Values that a key may have.
struct Allowed {
    double minimum = -std::numeric_limits<double>::infinity(), maximum = std::numeric_limits<double>::infinity();
    const char* choices = nullptr;  // words divided by '|'; null: any text
};
constexpr Allowed anything, positive{1e-12};
constexpr Allowed at_least(double minimum) { return {minimum}; }
constexpr Allowed between(double minimum, double maximum) { return {minimum, maximum}; }
constexpr Allowed one_of(const char* choices) { return {.choices = choices}; }

// One key of a table; its type and its default are those of the member.
template <class Settings>
struct Field {
    const char* name;
    std::variant<bool Settings::*, std::int64_t Settings::*, double Settings::*, std::string Settings::*> member;
    Allowed allowed;
    const char* unit;
    const char* help;
    const char* absent = nullptr;  // of a key that came after the first release, see Parameter::absent
};

struct TrainSettings {
    std::int64_t steps = 1000, batch = 128;
    double learning_rate = 1e-3;
    std::string schedule = "hold-then-decay";
    double final_fraction = 0.02;
    std::int64_t warmup = 0;
    double clip = 0, beta1 = 0.9, beta2 = 0.999, weight_decay = 0, ema = 0;
    std::string precision = "float32", start_from, family, symmetries, base = "none", base_weights = "none";
    std::int64_t base_sweeps = 12, base_components = 1;
    bool base_marginals = false;
    double anneal_from = 1;
    std::int64_t anneal_steps = 0;
    std::int64_t log_every = 10, micro_batch = 0;
    bool keep_state = false, deterministic = false;
};

inline constexpr Field<TrainSettings> train_fields[] = {
    {"steps", &TrainSettings::steps, at_least(0), "steps", "optimiser steps"},
    {"batch", &TrainSettings::batch, between(1, 1e6), "states", "states per step"},
    {"learning_rate", &TrainSettings::learning_rate, positive, "", "Adam's step size at its highest"},
    {"schedule", &TrainSettings::schedule, one_of("constant|cosine|hold-then-decay"), "",
     "learning rate over time; hold-then-decay: held for half the steps, then a cosine down"},
    {"final_fraction", &TrainSettings::final_fraction, between(0, 1), "",
     "last learning rate as a fraction of the highest"},
    {"warmup", &TrainSettings::warmup, at_least(0), "steps", "steps over which the learning rate rises from 0"},
    {"clip", &TrainSettings::clip, at_least(0), "",
     "largest norm of the gradient of the network's weights, far above its usual one: rare states count less else; 0: "
     "not clipped"},
    {"beta1", &TrainSettings::beta1, between(0, 1), "", "Adam's decay of the mean gradient"},
    {"beta2", &TrainSettings::beta2, between(0, 1), "", "Adam's decay of the mean squared gradient"},
    {"weight_decay", &TrainSettings::weight_decay, at_least(0), "", "decoupled weight decay (AdamW)"},
    {"ema", &TrainSettings::ema, between(0, 1), "",
     "decay per step of the averaged weights used in evaluation; 0: none"},
    {"precision", &TrainSettings::precision, one_of("float32|tf32|bfloat16|auto"), "",
     "arithmetic of the network's passes in training; tf32: float32 whose products on a GPU round their factors to 10 "
     "bits; auto: bfloat16 where the GPU or the processor (AVX512-BF16, AMX-BF16) has products of it and this "
     "network's "
     "passes are found faster, else float32"},
    {"start_from", &TrainSettings::start_from, anything, "",
     "experiment in the same store whose finished trial gives the first weights: the trial of the same seed, else the "
     "one of lowest kl; NAME@HASH: the one of that config hash and the same seed"},
    {"family", &TrainSettings::family, anything, "",
     "energies that one network learns: parameters of [energy] with several values, such as coupling = 0.2..0.44/5, or "
     "graph_seed = 1..8, or coupling = 0.2, 0.3; field = 0, 0.1, which move together. The network must be given the "
     "energy's couplings (network graph; couplings = true); empty: [energy] alone",
     "\"\""},
    {"symmetries", &TrainSettings::symmetries, anything, "",
     "symmetries of the target over whose images of a state the network's heads are averaged, divided by commas: flip "
     "(symbols in the opposite order), permute (all symbols), mirror (the last axis), rotate (quarter turns), shift (a "
     "periodic lattice); a pass then costs as many as there are images; rename (all symbols, by one image whose "
     "symbols "
     "are numbered by how common they are) costs none",
     "\"\""},
    {"base", &TrainSettings::base, one_of("none|belief-propagation|gaussian-mixture"), "",
     "what the network's conditionals are a correction of: belief-propagation, messages from the known sites along the "
     "pairs of the energy, exact on trees; gaussian-mixture, learnt normal densities over all real numbers, which "
     "log p in one pass corrects too; none: nothing",
     "\"none\""},
    {"base_sweeps", &TrainSettings::base_sweeps, between(1, 10000), "sweeps",
     "times that all messages of the base are sent; their mean counts, without the first quarter, so that trees a "
     "quarter as long are exact",
     "12"},
    {"base_marginals", &TrainSettings::base_marginals, anything, "",
     "log p in one pass corrects the base too, its Bethe free energy; the objective must not add the energy by itself "
     "(forward_looking = false)",
     "false"},
    {"base_weights", &TrainSettings::base_weights, one_of("none|shared|pairs"), "",
     "weights of the base's messages that learn, of every sweep, and begin as plain belief propagation: shared, the "
     "same "
     "for all pairs, for lattices whose places are alike; pairs, of each direction of each pair, for glasses and "
     "graphs",
     "\"none\""},
    {"base_components", &TrainSettings::base_components, between(1, 1000), "densities",
     "normal densities with full covariance in the base of real numbers", "1"},
    {"anneal_from", &TrainSettings::anneal_from, between(0.001, 1), "",
     "power of the energy that the first step learns from, which rises to 1 in a straight line; 1: the energy itself",
     "1"},
    {"anneal_steps", &TrainSettings::anneal_steps, at_least(0), "steps", "in which it comes to 1", "0"},
    {"log_every", &TrainSettings::log_every, at_least(1), "steps",
     "steps between recorded points of the training curves"},
    {"micro_batch", &TrainSettings::micro_batch, between(0, 1e9), "rows",
     "most rows in one pass of the network: less memory and more time, as training makes each pass twice; the "
     "gradients "
     "are the same but for rounding. A trial that runs out of memory with all there is tries again with half as many; "
     "0: all at once"},
    {"keep_state", &TrainSettings::keep_state, anything, "",
     "keep the state of a finished training, so that one of more steps goes on from there; the schedule must be "
     "constant"},
    {"deterministic", &TrainSettings::deterministic, anything, "",
     "on a GPU, only algorithms that give the same bits each time, as those of the CPU do; slower"},
};

struct EvaluationSettings {
    std::int64_t every = 0, samples = 2000, quick_samples = 256;
    std::int64_t nll_samples = 2000, nll_points = 0;
    std::int64_t ensemble_rows = 0, ensemble_orders = 5, marginal_rows = 0;
    std::int64_t ranking_groups = 0, ranking_rows = 10;
    std::string ranking_masked;
    double ranking_threshold = 0;
    std::int64_t marginal_states = 512, reference_chains = 8;
    std::int64_t ais_chains = 0, ais_temperatures = 1000, enumeration = 0;
    std::string family;
    bool marginal_time = true;
    std::int64_t batch = 512, pictures = 16;
    double precision = 0;
};

inline constexpr Field<EvaluationSettings> evaluation_fields[] = {
    {"every", &EvaluationSettings::every, at_least(0), "steps", "steps between quick evaluations; 0: only at the end"},
    {"samples", &EvaluationSettings::samples, at_least(0), "states",
     "states drawn from the model for kl and free_energy, at least 2; 0: off"},
    {"quick_samples", &EvaluationSettings::quick_samples, at_least(0), "states",
     "the same in a quick evaluation, at least 2; 0: off"},
    {"nll_samples", &EvaluationSettings::nll_samples, at_least(0), "states", "reference states for nll_bits; 0: off"},
    {"nll_points", &EvaluationSettings::nll_points, between(0, 1e6), "passes",
     "of a [dataset]: passes a row from which nll_bits is estimated without bias; 0: all of an order"},
    {"ensemble_rows", &EvaluationSettings::ensemble_rows, at_least(0), "rows",
     "of a [dataset]: test rows scored along ensemble_orders orders for nll_bits_ensemble; 0: off"},
    {"ensemble_orders", &EvaluationSettings::ensemble_orders, between(2, 1000), "orders", "orders of an ensemble"},
    {"marginal_rows", &EvaluationSettings::marginal_rows, at_least(0), "rows",
     "of a [dataset]: test rows, each with random sites unknown, whose log-marginals give marginal_gap; 0: off", "0"},
    {"ranking_groups", &EvaluationSettings::ranking_groups, at_least(0), "groups",
     "of a [dataset]: groups of similar rows whose log p is compared with the ensemble's; 0: off"},
    {"ranking_rows", &EvaluationSettings::ranking_rows, between(2, 1e6), "rows",
     "rows of a group before those too close to another are left out"},
    {"ranking_masked", &EvaluationSettings::ranking_masked, anything, "",
     "sites regenerated to make a group of a test row, in turn, such as 100,400,700; empty: groups of test rows"},
    {"ranking_threshold", &EvaluationSettings::ranking_threshold, between(0, 1e9), "nats",
     "least difference of log p between the rows of a group; rows closer to one kept are left out"},
    {"marginal_states", &EvaluationSettings::marginal_states, at_least(0), "states",
     "partial states for marginal_rmse; 0: off"},
    {"reference_chains", &EvaluationSettings::reference_chains, between(2, 1e6), "chains",
     "chains of [reference], which give the reference states"},
    {"ais_chains", &EvaluationSettings::ais_chains, between(0, 1e6), "chains",
     "annealed importance sampling chains for log_z_ais, at least 2; 0: off"},
    {"ais_temperatures", &EvaluationSettings::ais_temperatures, between(1, 1e7), "",
     "its steps from the uniform distribution to the target, a sweep each"},
    {"enumeration", &EvaluationSettings::enumeration, between(0, 1048576), "states",
     "figures such as kl_enumerated are sums over all states of an energy that has no more states than this; 0: off",
     "0"},
    {"family", &EvaluationSettings::family, anything, "",
     "further energies, written as in train.family, of which the model has learnt none and is evaluated all the same",
     "\"\""},
    {"marginal_time", &EvaluationSettings::marginal_time, anything, "",
     "time marginal inference against chains of conditionals"},
    {"batch", &EvaluationSettings::batch, between(1, 1e6), "rows", "rows per pass of the network"},
    {"pictures", &EvaluationSettings::pictures, between(0, 1e4), "states", "sampled states kept for pictures; 0: off"},
    {"precision", &EvaluationSettings::precision, between(0, 1e9), "nats",
     "standard error at which kl and free_energy are precise enough, so that no more of `samples` are drawn; "
     "forward_kl, or nll_bits where log Z is not known, and nll_samples; and log p of each row of a ranking, which is "
     "then estimated from nll_points passes at a time (16 where that is 0) in place of ensemble_orders orders; 0: all "
     "are drawn, and whole orders",
     "0"},
};

// How to run: no part of a trial's identity.
struct RunSettings {
    std::string device = "auto";
    std::int64_t cores = 0, slots = 0;
    bool pin = true;
    double time_limit = 0;
    std::int64_t retries = 0;
    double checkpoint_seconds = 60, exact_seconds = 300;
    std::int64_t keep_newest = 1;
    std::string keep_best;
    bool reuse = true;
    std::string plugin_path;
    bool stop_on_failure = false;
    bool operator==(const RunSettings&) const = default;
};

inline constexpr Field<RunSettings> run_fields[] = {
    {"device", &RunSettings::device, anything, "", "auto, cpu, cuda:0, or a list such as cuda:0,cuda:1"},
    {"cores", &RunSettings::cores, between(0, 4096), "cores",
     "cores per slot, a thread each; 0: all cores shared by the slots"},
    {"slots", &RunSettings::slots, between(0, 4096), "slots",
     "trials at a time on each device; 0: on a GPU one, or as many as [resources] leaves room for; on the cpu one for "
     "each of the cores, as far as trials and memory (1 GiB each) go"},
    {"pin", &RunSettings::pin, anything, "", "keep each worker on cores of its own where nothing else is run"},
    {"time_limit", &RunSettings::time_limit, at_least(0), "s", "longest time of a trial; 0: none"},
    {"retries", &RunSettings::retries, between(0, 1000), "tries", "how often a failed trial is tried again"},
    {"checkpoint_seconds", &RunSettings::checkpoint_seconds, at_least(0), "s",
     "longest time between checkpoints; 0: after every step"},
    {"exact_seconds", &RunSettings::exact_seconds, at_least(0), "s",
     "longest time for a trial's exact log-marginals; the states that would take longer are left out"},
    {"keep_newest", &RunSettings::keep_newest, between(1, 1e6), "checkpoints", "newest checkpoints kept of a trial"},
    {"keep_best", &RunSettings::keep_best, anything, "", "metric whose best checkpoint is kept as well; empty: none"},
    {"reuse", &RunSettings::reuse, anything, "",
     "take over what other experiments of the store have of the same trials, rather than train it again"},
    {"plugin_path", &RunSettings::plugin_path, anything, "",
     "folders of plugins, divided by ':' and relative to this file, searched after --plugin-path"},
    {"stop_on_failure", &RunSettings::stop_on_failure, anything, "", "start no further trial once one has failed"},
};

// Commands to run when something has ended: no part of a trial's identity.
struct HookSettings {
    std::string finish, fail, sweep_end;
    bool operator==(const HookSettings&) const = default;
};

inline constexpr Field<HookSettings> hook_fields[] = {
    {"finish", &HookSettings::finish, anything, "", "shell command after a trial is done, with the trial on its input"},
    {"fail", &HookSettings::fail, anything, "", "the same after one has failed for good"},
    {"sweep_end", &HookSettings::sweep_end, anything, "",
     "shell command at the end of a run of the file, with its counts on its input"},
};

// What a trial asks of the device that it runs on: no part of its identity, but each trial may ask for something else.
struct ResourceSettings {
    std::string memory;
    double fraction = 0;
    std::int64_t cores = 0;
    bool operator==(const ResourceSettings&) const = default;
};

inline constexpr Field<ResourceSettings> resource_fields[] = {
    {"memory", &ResourceSettings::memory, anything, "",
     "memory of the device that a trial needs, such as 6GB or 500 MiB; empty: not known"},
    {"fraction", &ResourceSettings::fraction, between(0, 1), "", "part of a device that a trial needs; 0: not known"},
    {"cores", &ResourceSettings::cores, between(0, 4096), "cores",
     "cores of a trial, a thread each; 0: as run.cores says"},
};

// How `submit` asks Slurm for machines: no part of a trial's identity.
struct SlurmSettings {
    std::string partition, account, time, gres, memory, setup, options;
    std::int64_t cores = 1, parallel = 0, trials_per_task = 1, warning = 120;
    double hand_over = 60;
    bool operator==(const SlurmSettings&) const = default;
};

inline constexpr Field<SlurmSettings> slurm_fields[] = {
    {"partition", &SlurmSettings::partition, anything, "", "partition; empty: Slurm's default"},
    {"account", &SlurmSettings::account, anything, "", "account that pays; empty: Slurm's default"},
    {"time", &SlurmSettings::time, anything, "",
     "longest time of a task, as sbatch takes it, such as 4:00:00; a task whose time is over goes on in a new one"},
    {"gres", &SlurmSettings::gres, anything, "", "devices of a task, such as gpu:1"},
    {"memory", &SlurmSettings::memory, anything, "", "memory of a task, as sbatch takes it, such as 8G"},
    {"cores", &SlurmSettings::cores, between(1, 4096), "cores", "cores of a task"},
    {"parallel", &SlurmSettings::parallel, at_least(0), "tasks", "tasks at a time; 0: as many as Slurm gives"},
    {"trials_per_task", &SlurmSettings::trials_per_task, between(1, 1e5), "trials",
     "trials that a task does, for trials that are shorter than a task's start"},
    {"warning", &SlurmSettings::warning, between(10, 86400), "s",
     "how long before the end of its time a task is to checkpoint and stop"},
    {"hand_over", &SlurmSettings::hand_over, between(1, 86400), "s",
     "time between copies of a task's store to the folder that all nodes see: what a lost node costs at most"},
    {"setup", &SlurmSettings::setup, anything, "", "shell lines before the program starts, such as module load cuda"},
    {"options", &SlurmSettings::options, anything, "",
     "further options of sbatch, such as --qos=low --constraint=a100"},
};

// Bytes of "6GB", "6.5 GiB", "500MB" and so on: K, M, G or T with B (powers of 1000) or iB (of 1024); 0 of an empty
// text. nullopt: it is nothing of the kind.
std::optional<std::int64_t> bytes_of(std::string_view text);

// The fields as declared parameters.
const std::vector<ParameterSpec>& train_parameters();
const std::vector<ParameterSpec>& evaluation_parameters();
const std::vector<ParameterSpec>& run_parameters();
const std::vector<ParameterSpec>& hook_parameters();
const std::vector<ParameterSpec>& resource_parameters();
const std::vector<ParameterSpec>& slurm_parameters();

// A plugin that a table names, and its own parameters as JSON; params_of() makes Params of them.
struct PluginTable {
    std::string plugin;
    nlohmann::json parameters = nlohmann::json::object();
};

using PluginTables = std::map<std::string, PluginTable, std::less<>>;  // "energy", "network", ... -> what [energy] says

// What shapes a trial: its config, typed. to_json gives the canonical config back, byte for byte.
struct TrialSettings {
    PluginTables plugins;
    TrainSettings train;
    EvaluationSettings evaluation;

    bool has(std::string_view table) const { return plugins.contains(table); }
    // Throws Error where the trial does not have that table.
    const PluginTable& plugin(std::string_view table) const;
};

// Reading throws Error, a sentence that names the key, where the JSON has a value that is not allowed, or lacks a
// table: it may be of another version's store, or of a stranger's. A key that it lacks has its default; keys that
// nobody knows are passed over.
void to_json(nlohmann::json&, const TrainSettings&);
void from_json(const nlohmann::json&, TrainSettings&);
void to_json(nlohmann::json&, const EvaluationSettings&);
void from_json(const nlohmann::json&, EvaluationSettings&);
void to_json(nlohmann::json&, const RunSettings&);
void from_json(const nlohmann::json&, RunSettings&);
void from_json(const nlohmann::json&, HookSettings&);
void to_json(nlohmann::json&, const ResourceSettings&);
void from_json(const nlohmann::json&, ResourceSettings&);
void to_json(nlohmann::json&, const SlurmSettings&);
void from_json(const nlohmann::json&, SlurmSettings&);
void to_json(nlohmann::json&, const PluginTable&);
void from_json(const nlohmann::json&, PluginTable&);
void to_json(nlohmann::json&, const TrialSettings&);
void from_json(const nlohmann::json&, TrialSettings&);

// [train] of a canonical config alone, and its plugins.
TrainSettings train_of(const nlohmann::json& config);

// Whether the evaluation of a trial of this config has anything to do: of data there is always the likelihood.
bool has_figures_to_find(const nlohmann::json& config);
PluginTables plugins_in(const nlohmann::json& config);

}  // namespace marginalia
