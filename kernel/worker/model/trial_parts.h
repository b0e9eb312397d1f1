// The objects that one trial is made of, built from its config by the plugins.
#pragma once

#include <marginalia/dataset.h>

#include <memory>
#include <optional>

#include "kernel/wire/recorder.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/members.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {

// Owns what a trial uses. Members a config does not name are null.
struct TrialParts : Target {  // that of the member at hand
    std::unique_ptr<Dataset> dataset;
    Domain domain;
    std::unique_ptr<Network> network;
    Members members;
    at::Tensor rows;  // of the dataset's training split (TrainingStep::rows); undefined where it is read row by row
    at::Device device = at::kCPU;
    at::Generator generator;       // the trial's own, on `device`
    at::Generator host_generator;  // the trial's own, of the CPU; where `device` is the CPU, the same one

    const Variables& variables() const { return energy ? static_cast<const Variables&>(*energy) : *dataset; }

    const Target& target(std::size_t member) const { return members.target(member, *this); }
    void go_to(std::size_t member) { members.go_to(member, *this); }

    // The objectives' own parameters, of all members that learn.
    std::vector<at::Tensor> own_parameters() const;
};

// All but the sampler: what asking a trained model takes, of all members of train.family and of what else the request
// is about. With a description the dataset reads no files and has no rows, where its plugin can do so.
TrialParts build_model(const TrialRequest& request, const PluginHost& plugins,
                       const std::optional<RowDescription>& described = std::nullopt);

// The same with what the request's checkpoint holds; `state` is all of that. Without DataRows::needed the checkpoint's
// description of the dataset will do. At hand is the member that the request names, else the first.
enum class DataRows { needed, not_needed };
TrialParts load_trained(const TrialRequest& request, const PluginHost& plugins, DataRows rows, CheckpointState& state);

// The energy alone, under [energy] in the config, with batch_energy and domain.
TrialParts build_energy(const TrialRequest& request, const PluginHost& plugins);

// All of them. Throws Error with the plugin's kind and name in front of whatever the plugin throws.
TrialParts build_trial(const TrialRequest& request, const PluginHost& plugins);

// That the dataset's symbols stand for what they stood for when the checkpoint with this trial.json (checkpoint.h) was
// written. Throws Error naming the first symbol that does not.
void check_vocabulary(const TrialParts& parts, const std::string& trial_json);

// The name in a checkpoint of what the objective or the sampler of a member has there: "sampler", "sampler 2".
std::string member_part(const std::string& kind, std::size_t member);

// Hand the objectives and the samplers of the members that learn their parts of a checkpoint, which may come from a
// stranger: what they have by themselves must be there in the same shape. Throws Error with the plugin's kind in front
// of whatever it throws.
void load_objective(const TrialParts& parts, CheckpointState& state);
void load_sampler(const TrialParts& parts, CheckpointState& state);

// The sampler under [reference] in the config with `chains` states a draw; null where there is none.
std::unique_ptr<Sampler> build_reference_sampler(const TrialRequest& request, const PluginHost& plugins,
                                                 const TrialParts& parts, std::int64_t chains,
                                                 at::Generator& generator);

// A generator on a device, seeded from a trial's seed and a stream number, apart from LibTorch's global ones.
at::Generator make_generator(const at::Device& device, std::int64_t seed, std::uint64_t stream);

}  // namespace marginalia
