#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

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

}  // namespace

Owner this_process() {
    return {.host = host_name(), .boot_id = boot_id(), .pid = getpid(), .pid_start = process(getpid()).start};
}

bool is_alive(const Owner& owner) {
    // What another machine runs cannot be seen from here.
    if (owner.host != host_name()) return true;
    if (owner.boot_id != boot_id()) return false;
    const auto found = process(owner.pid);
    return found.state != 'X' && found.state != 'Z' && found.start == owner.pid_start;
}

}  // namespace marginalia::store
