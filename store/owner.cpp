#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "store/run_lock.h"
#include "store/state.h"
#include "store/store.h"

namespace marginalia::store {

namespace {

std::string first_line(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

struct Process {
    char state = 'X';
    std::int64_t start = -1;
};

// proc(5): the second field is the program's name in parentheses and may itself hold spaces and parentheses.
Process process(std::int64_t pid) {
    const auto line = first_line(fmt::format("/proc/{}/stat", pid));
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream rest(line.substr(name_end + 1));
    Process found;
    rest >> found.state;
    std::string skipped;
    for (int field = 4; field < 22; ++field) rest >> skipped;
    rest >> found.start;
    return found;
}

std::string host_name() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    return name.data();
}

std::string boot_id() { return first_line("/proc/sys/kernel/random/boot_id"); }

// "pid:[4026531836]" without all but the number, which no two living namespaces share.
std::string pid_namespace() {
    std::error_code failed;
    const auto link = std::filesystem::read_symlink("/proc/self/ns/pid", failed).string();
    std::string number;
    for (const char c : link)
        if (c >= '0' && c <= '9') number += c;
    return number;
}

struct Machine {
    std::string boot, pid_namespace, lock;
};

// Stores of earlier versions have the boot alone: their processes are looked for here.
Machine parts_of(const std::string& machine) {
    std::istringstream in(machine);
    Machine parts;
    std::getline(in, parts.boot, '/');
    if (!std::getline(in, parts.pid_namespace, '/')) parts.pid_namespace = pid_namespace();
    std::getline(in, parts.lock);
    return parts;
}

Owner process_with(const std::string& lock) {
    return {.host = host_name(),
            .machine = fmt::format("{}/{}/{}", boot_id(), pid_namespace(), lock),
            .pid = getpid(),
            .pid_start = process(getpid()).start};
}

// A host that never wrote one is of an earlier version.
bool has_fallen_silent(const Owner& owner) {
    return owner.heartbeat != 0 && now_ms() - owner.heartbeat > longest_silence;
}

bool is_process_here(const Owner& owner) {
    const auto found = process(owner.pid);
    return found.state != 'X' && found.state != 'Z' && found.start == owner.pid_start;
}

}  // namespace

Owner this_process() { return process_with({}); }

Owner Store::this_run() {
    if (!state_->lock) state_->lock = std::make_unique<RunLock>(file());
    return process_with(state_->lock->name());
}

bool is_alive(const Owner& owner, const std::filesystem::path& store) {
    const auto machine = parts_of(owner.machine);
    // What another machine runs cannot be seen from here.
    if (machine.boot != boot_id()) return owner.host != host_name() && !has_fallen_silent(owner);
    const auto held = run_lock_held(store, machine.lock);
    if (held == Held::yes) return true;
    // A process goes on where its store was moved from under it.
    if (machine.pid_namespace == pid_namespace()) return is_process_here(owner);
    return held == Held::unknown && !has_fallen_silent(owner);
}

}  // namespace marginalia::store
