#include "kernel/worker/model/trial_parts.h"

#include <cstdlib>
#include <numeric>

#include <ATen/ATen.h>
#include <marginalia/pair_graph.h>
#include <marginalia/rows.h>
#include <torch/script.h>

#include "kernel/spec/experiment.h"
#include "kernel/worker/model/belief_base.h"
#include "kernel/worker/model/family_parts.h"
#include "kernel/worker/model/mixture_base.h"
#include "kernel/worker/model/renamed_symbols.h"
#include "kernel/worker/model/row_description.h"
#include "kernel/worker/model/symmetries.h"

namespace marginalia {

namespace {

// Runs the factory of the plugin of `kind` that a table of the config names, and puts the plugin's name before what
// goes wrong.
template <class Factory, class... Rest>
auto make_from(const PluginTable& table, const std::string& label, const char* kind, const PluginHost& plugins,
               Rest&&... rest) {
    const std::string& name = table.plugin;
    const auto factory = reinterpret_cast<Factory>(plugins.factory(kind, name));
    try {
        auto* object = factory(params_of(table.parameters, plugins.manifest(kind, name).parameters), rest...);
        return std::unique_ptr<std::remove_pointer_t<decltype(object)>>(object);
    } catch (const std::exception& error) {
        throw Error(label + " '" + name + "': " + error.what());
    }
}

template <class Factory, class... Rest>
auto make(const char* kind, const TrialSettings& settings, const PluginHost& plugins, Rest&&... rest) {
    return make_from<Factory>(settings.plugin(kind), kind, kind, plugins, rest...);
}

TrainingSetup setup_of(const TrialParts& parts, std::int64_t batch) {
    if (const Cooling* cooling = parts.cooling.get())
        return {parts.domain, batch, parts.device, &cooling->energy(), cooling->device_energy()};
    return {parts.domain, batch, parts.device, parts.energy.get(), parts.device_energy.get()};
}

template <class Variables>
Domain domain_of(const Variables& variables, const char* kind, const TrialSettings& settings) {
    const Layout layout = variables.layout();
    const auto sites = std::accumulate(layout.shape.begin(), layout.shape.end(), std::int64_t{1}, std::multiplies<>());
    if (sites != variables.sites())
        throw Error(std::string(kind) + " '" + settings.plugin(kind).plugin + "': its layout has " +
                    std::to_string(sites) + " sites, but it says it has " + std::to_string(variables.sites()));
    return {variables.sites(), variables.categories(), layout, {}, site_categories(variables)};
}

// That a sampler or objective can work on sites that differ, and on rows that lack cells, where there are such.
template <class Plugin>
void require_mixed_sites(const char* kind, const std::string& name, const Plugin& plugin, const TrialParts& parts) {
    const bool plain = parts.domain.site_categories.empty() && !(parts.dataset && parts.dataset->incomplete());
    if (plain || plugin.takes_mixed_sites()) return;
    throw Error(std::string(kind) + " '" + name +
                "' takes sites that all have the same number of symbols, and this trial has real numbers, sites of "
                "different numbers of symbols, or rows that lack cells; `marginalia plugins " +
                kind + "` lists others, whose pages say what they take");
}

template <class Plugin>
void load_part(const char* kind, std::unique_ptr<Plugin> Target::* plugin, const TrialParts& parts,
               CheckpointState& state) {
    for (std::size_t member = 0; member < parts.members.learnt(); ++member) {
        Plugin& loaded = *(parts.target(member).*plugin);
        const StateDict& given = state.parts[member_part(kind, member)];
        check_state(kind, loaded.state(), given);
        try {
            loaded.load(given);
        } catch (const std::exception& error) {
            throw Error(std::string(kind) + ": its state in the checkpoint does not fit: " + error.what());
        }
    }
}

}  // namespace

std::string member_part(const std::string& kind, std::size_t member) {
    return member == 0 ? kind : kind + " " + std::to_string(member);
}

void load_objective(const TrialParts& parts, CheckpointState& state) {
    load_part("objective", &Target::objective, parts, state);
}
void load_sampler(const TrialParts& parts, CheckpointState& state) {
    load_part("sampler", &Target::sampler, parts, state);
}

std::vector<at::Tensor> TrialParts::own_parameters() const {
    std::vector<at::Tensor> all;
    for (std::size_t member = 0; member < members.learnt(); ++member)
        for (const at::Tensor& own : target(member).objective->parameters()) all.push_back(own);
    return all;
}

at::Generator make_generator(const at::Device& device, std::int64_t seed, std::uint64_t stream) {
    at::Generator generator = at::globalContext().defaultGenerator(device).clone();
    // SplitMix64, so that neighbouring seeds and streams start far apart.
    std::uint64_t z = static_cast<std::uint64_t>(seed) * 0x9E3779B97F4A7C15ull + stream * 0xD1B54A32D192ED03ull + 1;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    generator.set_current_seed(z ^ (z >> 31));
    return generator;
}

namespace {

constexpr std::size_t most_bytes_of_rows = std::size_t{1} << 31;  // kept on a device

// Not by to_device, for whose copies LibTorch would keep as much memory of the host for ever.
void keep_rows(TrialParts& parts) {
    const std::size_t width = parts.domain.site_categories.empty() ? 1 : sizeof(std::int64_t);
    const std::size_t bytes = parts.dataset->size(Split::train) * static_cast<std::size_t>(parts.domain.sites) * width;
    if (!parts.device.is_cpu() && bytes <= most_bytes_of_rows)
        parts.rows = all_rows(*parts.dataset, Split::train).to(parts.device);
}

constexpr std::uint64_t host_stream = 2;  // 0 is the trial's generator, 1 the weights'

void seed_generators(TrialParts& parts, std::int64_t seed) {
    parts.generator = make_generator(parts.device, seed, 0);
    parts.host_generator = parts.device.is_cpu() ? parts.generator : make_generator(at::kCPU, seed, host_stream);
}

// On the CPU the energy's own form is the faster one; a test asks for the other by the environment.
bool wants_energy_on(const at::Device& device) {
    return !device.is_cpu() || std::getenv("MARGINALIA_ENERGY_ON_DEVICE") != nullptr;
}

void put_energy_on_device(TrialParts& parts, const std::string& name) {
    if (!wants_energy_on(parts.device)) return;
    try {
        parts.device_energy = device_energy(*parts.energy, parts.device);
    } catch (const std::exception& error) {
        throw Error("energy '" + name + "': " + error.what());
    }
    if (parts.device_energy)
        parts.device_batch_energy = std::make_unique<DeviceBatchEnergy>(*parts.device_energy, name);
}

}  // namespace

TrialParts build_energy(const TrialRequest& request, const PluginHost& plugins) {
    TrialParts parts;
    parts.device = at::Device(request.device);
    seed_generators(parts, request.seed);
    parts.energy = make<EnergyFactory>("energy", request.settings, plugins);
    const std::string& name = request.settings.plugin("energy").plugin;
    parts.batch_energy = std::make_unique<ParallelEnergy>(*parts.energy, name);
    put_energy_on_device(parts, name);
    parts.domain = domain_of(*parts.energy, "energy", request.settings);
    return parts;
}

namespace {

std::unique_ptr<Dataset> make_dataset(const TrialSettings& settings, const PluginHost& plugins,
                                      const RowDescription* described) {
    auto dataset = make<DatasetFactory>("dataset", settings, plugins, described);
    return dataset ? std::move(dataset) : make<DatasetFactory>("dataset", settings, plugins, nullptr);
}

// The domain with the energy's form, for as long as its network is being made.
Domain domain_with_form(const TrialParts& parts, const TrialSettings& settings) {
    Domain domain = parts.domain;
    if (!parts.energy) return domain;
    try {
        domain.form = pair_form(*parts.energy);
    } catch (const std::exception& error) {
        throw Error("energy '" + settings.plugin("energy").plugin + "': " + error.what());
    }
    return domain;
}

BeliefBase base_of(const TrainSettings& train) {
    using enum BeliefBase::Weights;
    const auto weights = train.base_weights == "pairs" ? of_edges : train.base_weights == "shared" ? shared : none;
    return {train.base_sweeps, train.base_marginals, weights};
}

// The base is outermost: it has the energy's symmetries by itself, and would cost a pass for each image inside.
std::unique_ptr<torch::jit::Module> make_network(const TrialParts& parts, const TrialRequest& request,
                                                 const PluginHost& plugins) {
    // Weights are drawn on the CPU, so that a seed gives the same start on every device.
    at::Generator weights = make_generator(at::kCPU, request.seed, 1);
    const Domain domain = domain_with_form(parts, request.settings);
    const TrainSettings& train = request.settings.train;
    auto module = make<NetworkFactory>("network", request.settings, plugins, domain, weights);
    if (!domain.site_categories.empty()) {
        if (!train.symmetries.empty() || train.base == "belief-propagation")
            throw Error(
                "train.symmetries and train.base = \"belief-propagation\" are for sites that all have the same number "
                "of symbols; leave them out");
        if (train.base == "gaussian-mixture")
            module.reset(with_mixture_base(*module, domain, train.base_components, weights));
        return module;
    }
    if (train.base == "gaussian-mixture")
        throw Error(
            "train.base = \"gaussian-mixture\" is for real numbers and tables of mixed columns, and here all sites "
            "have the same symbols; leave it out");
    const bool corrected = !train.symmetries.empty() || train.base != "none";
    if (corrected && !module->find_method("conditional_logits"))
        throw Error(
            "train.symmetries and train.base are for networks that know partial states, and this one does not; leave "
            "them out");
    if (renames(train.symmetries)) {
        if (parts.energy) require_symmetric(*parts.energy, symbol_swaps(domain));
        module.reset(with_renamed_symbols(*module, domain));
    }
    const std::vector<Symmetry> group = symmetry_group(train.symmetries, domain);
    if (group.size() > 1) {
        if (parts.energy) require_symmetric(*parts.energy, group);
        if (train.base_weights == "pairs" && moves_sites(group))
            throw Error(
                "train.base_weights = \"pairs\" gives every pair of sites weights of its own, and train.symmetries "
                "names "
                "one that moves sites; take \"shared\", or name flip, permute and rename alone");
        module.reset(symmetrised(*module, domain, group));
    }
    if (train.base == "belief-propagation") module.reset(with_belief_base(*module, domain, base_of(train)));
    return module;
}

TrialParts build_single_model(const TrialRequest& request, const PluginHost& plugins,
                              const std::optional<RowDescription>& described) {
    TrialParts parts;
    if (request.settings.has("energy")) {
        parts = build_energy(request, plugins);
    } else {
        parts.device = at::Device(request.device);
        seed_generators(parts, request.seed);
        parts.dataset = make_dataset(request.settings, plugins, described ? &*described : nullptr);
        parts.domain = domain_of(*parts.dataset, "dataset", request.settings);
    }
    if (!parts.domain.site_categories.empty() && request.settings.evaluation.ais_chains > 0)
        throw Error(
            "evaluation.ais_chains anneals from equally likely symbols, and this trial's sites hold real numbers or "
            "different numbers of symbols; leave it out");
    if (anneals(request.settings.train)) {
        if (!parts.energy)
            throw Error("train.anneal_from is for trials of an energy, and this one learns from a dataset");
        parts.cooling = std::make_unique<Cooling>(request.settings.train, *parts.energy, parts.device_energy.get(),
                                                  request.settings.plugin("energy").plugin, parts.device);
    }
    parts.network = std::make_unique<Network>(*make_network(parts, request, plugins), parts.domain);
    parts.network->to(parts.device);
    const TrainingSetup setup = setup_of(parts, request.settings.train.batch);
    parts.objective = make<ObjectiveFactory>("objective", request.settings, plugins, setup);
    require_mixed_sites("objective", request.settings.plugin("objective").plugin, *parts.objective, parts);
    return parts;
}

std::unique_ptr<Sampler> make_sampler(const TrialRequest& request, const PluginHost& plugins, TrialParts& parts,
                                      const TrainingSetup& setup) {
    auto sampler = make<SamplerFactory>("sampler", request.settings, plugins, setup, parts.generator);
    require_mixed_sites("sampler", request.settings.plugin("sampler").plugin, *sampler, parts);
    return sampler;
}

TrialParts build_single_trial(const TrialRequest& request, const PluginHost& plugins) {
    TrialParts parts = build_single_model(request, plugins, std::nullopt);
    const TrainingSetup setup = setup_of(parts, request.settings.train.batch);
    if (request.settings.has("sampler")) parts.sampler = make_sampler(request, plugins, parts, setup);
    else if (parts.dataset) keep_rows(parts);
    return parts;
}

}  // namespace

TrialParts build_model(const TrialRequest& request, const PluginHost& plugins,
                       const std::optional<RowDescription>& described) {
    return build_members(request, plugins,
                         [&](const TrialRequest& single) { return build_single_model(single, plugins, described); });
}

TrialParts load_trained(const TrialRequest& request, const PluginHost& plugins, DataRows rows, CheckpointState& state) {
    std::optional<RowDescription> described;
    if (rows == DataRows::not_needed) described = row_description(trial_json_of(request.checkpoint));
    TrialParts parts = build_model(request, plugins, described);
    state = load_checkpoint(request.checkpoint, *parts.network);
    check_vocabulary(parts, state.trial_json);
    load_objective(parts, state);
    if (parts.energy) parts.go_to(family_of(request, plugins).find_or_add(request.condition));
    return parts;
}

TrialParts build_trial(const TrialRequest& request, const PluginHost& plugins) {
    return build_members(request, plugins,
                         [&](const TrialRequest& single) { return build_single_trial(single, plugins); });
}

void check_vocabulary(const TrialParts& parts, const std::string& trial_json) {
    const nlohmann::json trial = nlohmann::json::parse(trial_json, nullptr, false);
    if (!parts.dataset || !trial.is_object() || !trial.contains("vocabulary")) return;
    check_site_list(trial_json, *parts.dataset);
    const std::vector<std::string> then = trial.at("vocabulary"), now = parts.dataset->vocabulary();
    if (then == now) return;
    std::size_t symbol = 0;
    while (symbol < then.size() && symbol < now.size() && then[symbol] == now[symbol]) ++symbol;
    const auto word = [symbol](const std::vector<std::string>& words) {
        return symbol < words.size() ? "'" + words[symbol] + "'" : std::string("none");
    };
    throw Error("the dataset's symbol " + std::to_string(symbol) + " was " + word(then) +
                " when the checkpoint was written and is " + word(now) +
                " now; give the dataset the files that the checkpoint learnt from");
}

std::unique_ptr<Sampler> build_reference_sampler(const TrialRequest& request, const PluginHost& plugins,
                                                 const TrialParts& parts, std::int64_t chains,
                                                 at::Generator& generator) {
    if (!request.settings.has("reference")) return nullptr;
    const TrainingSetup setup = setup_of(parts, chains);
    const PluginTable& table = request.settings.plugin("reference");
    auto sampler = make_from<SamplerFactory>(table, "[reference] sampler", "sampler", plugins, setup, generator);
    require_mixed_sites("sampler", table.plugin, *sampler, parts);
    return sampler;
}

}  // namespace marginalia
