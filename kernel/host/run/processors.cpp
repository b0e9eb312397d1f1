#include "kernel/host/run/processors.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace marginalia {
namespace {

// "max 100000" or "150000 100000": microseconds of processor time per period.
double quota_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    double quota = 0, period = 0;
    return in >> quota >> period && period > 0 ? quota / period : HUGE_VAL;
}

// The narrowest quota from our cgroup up to the root.
double cgroup_cores() {
    const std::filesystem::path root = "/sys/fs/cgroup";
    std::ifstream in("/proc/self/cgroup");
    std::string line;
    double cores = quota_of(root / "cpu.max");
    while (std::getline(in, line)) {
        if (!line.starts_with("0::/")) continue;
        for (std::filesystem::path group = line.substr(4); !group.empty(); group = group.parent_path())
            cores = std::min(cores, quota_of(root / group / "cpu.max"));
    }
    return cores;
}

// What Slurm has given to this task, whose processes it may not have kept on cores of their own; none: no task of
// Slurm.
std::optional<int> slurm_cores() {
    const char* text = std::getenv("SLURM_CPUS_PER_TASK");
    const int cores = text ? std::atoi(text) : 0;
    return cores > 0 ? std::optional(cores) : std::nullopt;
}

cpu_set_t set_of(const std::vector<int>& processors) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int processor : processors) CPU_SET(static_cast<std::size_t>(processor), &set);
    return set;
}

}  // namespace

int available_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    const int given = std::min(allowed, slurm_cores().value_or(allowed));
    return std::max(1, static_cast<int>(std::min<double>(given, std::ceil(cgroup_cores()))));
}

std::vector<int> own_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > available_cores()) return {};
    std::vector<int> numbers;
    for (int i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &set)) numbers.push_back(i);
    return numbers;
}

StartOn::StartOn(const std::vector<int>& processors) {
    if (processors.empty() || ::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    const cpu_set_t wanted = set_of(processors);
    moved_ = ::sched_setaffinity(0, sizeof wanted, &wanted) == 0;
}

StartOn::~StartOn() {
    if (moved_) ::sched_setaffinity(0, sizeof before_, &before_);
}

void keep_on(pid_t process, const std::vector<int>& processors) {
    if (processors.empty()) return;
    const cpu_set_t wanted = set_of(processors);
    std::error_code none;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", none))
        ::sched_setaffinity(std::stoi(task.path().filename().string()), sizeof wanted, &wanted);
}

}  // namespace marginalia
