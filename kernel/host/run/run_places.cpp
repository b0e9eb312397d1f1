// Slots and devices of a run, from its file and from what the first worker has found.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include <marginalia/error.h>

#include "kernel/host/run/processors.h"
#include "kernel/host/run/run_parts.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {

std::vector<const TrialConfig*> not_done(const std::filesystem::path& file, const Experiment& experiment) {
    std::set<std::pair<std::string, std::int64_t>> done;
    try {
        if (std::filesystem::exists(file)) {
            store::Store reader = store::Store::open_to_read(file);
            for (const store::Trial& trial : store::list_trials(reader, {.experiment = experiment.name}))
                if (trial.status == store::Status::done) done.emplace(trial.config_hash, trial.seed);
        }
    } catch (const store::StoreError&) {  // who opens it to write says why
    }
    std::vector<const TrialConfig*> left;
    for (const TrialConfig& trial : experiment.trials)
        if (!done.contains({trial.hash, trial.seed})) left.push_back(&trial);
    return left;
}

Demand demand_of(const std::vector<const TrialConfig*>& trials, int others) {
    Demand demand{.trials = trials.size(), .other_runs = others};
    for (const TrialConfig* trial : trials) {
        const ResourceSettings& asked = trial->resources;
        const Demand one{.memory = bytes_of(asked.memory).value_or(0),
                         .fraction = asked.fraction,
                         .cores = static_cast<int>(asked.cores)};
        if (demand.memory == 0 || (one.memory > 0 && one.memory < demand.memory)) demand.memory = one.memory;
        if (demand.fraction == 0 || (one.fraction > 0 && one.fraction < demand.fraction))
            demand.fraction = one.fraction;
        demand.cores = trial == trials.front() ? one.cores : std::min(demand.cores, one.cores);
    }
    return demand;
}

void add_places(ScheduleOptions& options, const RunSettings& run, const TorchReport& torch, const Demand& demand) {
    const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
    std::vector<std::int64_t> gpus(static_cast<std::size_t>(std::max(0, torch.cuda_devices)), 0);
    for (std::size_t i = 0; i < gpus.size() && i < torch.gpus.size(); ++i) gpus[i] = torch.gpus[i].bytes;
    options.slots = make_slots(run, gpus, available_cores(), demand);
    options.devices.clear();
    for (const Slot& slot : options.slots)
        if (std::ranges::find(options.devices, slot.device, &Device::name) == options.devices.end())
            options.devices.push_back(described_device(slot.device, torch, list));
    options.whole_by_default = run.slots == 0 && options.slots.size() > options.devices.size();
    std::size_t threads = 0;
    for (const Slot& slot : options.slots) threads += static_cast<std::size_t>(slot.threads);
    options.processors = own_processors();
    if (!run.pin || demand.other_runs > 0 || threads > options.processors.size()) options.processors.clear();
}

int first_threads(const RunSettings& run, const Demand& demand) {
    try {
        return make_slots(run, {}, available_cores(), demand).front().threads;
    } catch (const Error&) {  // of a GPU, of which nothing is known yet, or what will be said once it is
        return 1;
    }
}

}  // namespace marginalia
