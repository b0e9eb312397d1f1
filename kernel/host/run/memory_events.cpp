#include "kernel/host/run/memory_events.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace marginalia {
namespace {

std::int64_t kills_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string name;
    for (std::int64_t count = 0; in >> name >> count;)
        if (name == "oom_kill") return count;
    return 0;
}

}  // namespace

std::int64_t out_of_memory_kills() {
    const std::filesystem::path root = "/sys/fs/cgroup";
    std::int64_t most = kills_in(root / "memory.events");
    std::ifstream in("/proc/self/cgroup");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("0::/")) most = std::max(most, kills_in(root / line.substr(4) / "memory.events"));
    return std::max(most, kills_in("/proc/vmstat"));
}

}  // namespace marginalia
