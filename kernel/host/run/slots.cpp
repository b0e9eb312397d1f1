#include "kernel/host/run/slots.h"

#include <marginalia/error.h>
#include <marginalia/lists.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace marginalia {
namespace {

// Words between commas, without blanks and tabs at their ends; an empty one too, which is no device.
std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin <= list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        words.emplace_back(trim_blanks(std::string_view(list).substr(begin, end - begin)));
        begin = end + 1;
    }
    return words;
}

// The number behind the stem, written as it is written here; -1: there is none.
int index_of(const std::string& device, std::string_view stem) {
    int index = -1;
    if (!device.starts_with(stem)) return -1;
    const auto [end, error] = std::from_chars(device.data() + stem.size(), device.data() + device.size(), index);
    return error == std::errc() && device == std::string(stem) + std::to_string(index) ? index : -1;
}

constexpr double slot_bytes = 1 << 30;  // that a worker may take where nobody says how many there are to be

double available_bytes() {
    std::ifstream in("/proc/meminfo");
    std::string word;
    for (double kilobytes = 0; in >> word;)
        if (word == "MemAvailable:" && in >> kilobytes) return kilobytes * 1024;
    return HUGE_VAL;
}

void add_cpu(std::vector<Slot>& slots, const RunSettings& run, int machine, const Demand& demand) {
    auto cores = static_cast<int>(run.cores), count = static_cast<int>(run.slots);
    if (cores == 0) cores = std::min(demand.cores, machine);
    if (cores == 0 && count == 0) {
        const int share = std::max(1, machine / (1 + demand.other_runs));
        const double room = std::max(1.0, available_bytes() / std::max(slot_bytes, static_cast<double>(demand.memory)));
        count = static_cast<int>(
            std::min({static_cast<double>(share), room, std::max(1.0, static_cast<double>(demand.trials))}));
        cores = share / count;
    }
    if (cores == 0) cores = std::max(1, machine / std::max(count, 1));
    if (count == 0) count = std::max(1, machine / cores);
    if (static_cast<std::int64_t>(count) * cores > machine)
        throw Error("run.slots = " + std::to_string(count) + " of " + std::to_string(cores) +
                    " cores each ask for more than the " + std::to_string(machine) +
                    " cores that this process may use; give fewer of either");
    slots.insert(slots.end(), static_cast<std::size_t>(count), Slot{"cpu", cores});
}

// Of a device of so many bytes. Without a word about either, trials have the device for themselves.
int slots_of(const RunSettings& run, std::int64_t bytes, const Demand& demand, int cores) {
    if (run.slots > 0) return static_cast<int>(run.slots);
    double most = demand.fraction > 0 ? 1 / demand.fraction + 1e-9 : HUGE_VAL;
    if (demand.memory > 0 && bytes > 0)
        most = std::min(most, static_cast<double>(bytes) / static_cast<double>(demand.memory));
    if (most == HUGE_VAL) return 1;
    const int core_limit = std::max(1, cores / std::max(1, demand.cores));
    return static_cast<int>(std::clamp(most, 1.0, static_cast<double>(core_limit)));
}

std::int64_t bytes_of_gpu(const std::string& device, const std::vector<std::int64_t>& gpus) {
    const auto cuda_devices = static_cast<int>(gpus.size());
    const int index = index_of(device, "cuda:");
    if (index >= cuda_devices)
        throw Error("run.device: there is no '" + device + "' here; LibTorch sees " + std::to_string(cuda_devices) +
                    " CUDA device" + (cuda_devices == 1 ? "" : "s") + "; use \"cpu\" or \"auto\"");
    return index < 0 ? 0 : gpus[static_cast<std::size_t>(index)];
}

}  // namespace

std::string Slot::torch_device() const { return device.starts_with("cuda:") ? "cuda:0" : "cpu"; }

std::int64_t available_memory() { return static_cast<std::int64_t>(std::min(available_bytes(), 1e15)); }

std::vector<Slot> make_slots(const RunSettings& run, const std::vector<std::int64_t>& gpus, int cores,
                             const Demand& demand) {
    std::vector<std::string> devices = split(run.device);
    if (devices.size() == 1 && devices[0] == "auto") {
        devices = {};
        for (std::size_t i = 0; i < gpus.size(); ++i) devices.push_back("cuda:" + std::to_string(i));
        if (devices.empty()) devices.push_back("cpu");
    }
    const int share = std::max(1, cores / std::max<int>(1, static_cast<int>(devices.size())));
    if (run.cores > cores)
        throw Error("run.cores = " + std::to_string(run.cores) + " is more than the " + std::to_string(cores) +
                    " cores that this process may use; give fewer, or 0 for all");
    const std::string remedy = "use \"auto\", \"cpu\" or a list such as \"cuda:0,cuda:1\"";
    std::vector<Slot> slots;
    if (trim_blanks(run.device).empty()) throw Error("run.device is empty; " + remedy);
    for (const std::string& device : devices) {
        const bool cuda = index_of(device, "cuda:") >= 0;
        if (device == "cpu") {
            add_cpu(slots, run, cores, demand);
        } else if (cuda || index_of(device, "fake:") >= 0) {
            const int count = slots_of(run, bytes_of_gpu(device, gpus), demand, share);
            const int threads = run.cores > 0 ? static_cast<int>(run.cores) : std::max(1, share / count);
            slots.insert(slots.end(), static_cast<std::size_t>(count), Slot{device, cuda ? threads : 1});
        } else throw Error("run.device: '" + device + "' is not a device; " + remedy);
    }
    return slots;
}

}  // namespace marginalia
