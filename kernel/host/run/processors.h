// The processors that this process may use, and workers that are kept on some of them.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <vector>

namespace marginalia {

// How many: its affinity mask, narrowed by the CPU quota of its cgroup. At least 1.
int available_cores();

// Their numbers, where the process may use all of those in its mask at once; none where a quota narrows them, as then
// other processes are on the same ones.
std::vector<int> own_processors();

// While it lives, what this thread starts is kept on these processors from its first instruction on; none: as before.
class StartOn {
public:
    explicit StartOn(const std::vector<int>& processors);
    ~StartOn();
    StartOn(const StartOn&) = delete;
    StartOn& operator=(const StartOn&) = delete;

private:
    cpu_set_t before_;
    bool moved_ = false;
};

// All threads of a process; none: they stay where they are.
void keep_on(pid_t process, const std::vector<int>& processors);

}  // namespace marginalia
