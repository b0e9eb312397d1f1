// Which runs of this user share the machine.
#pragma once

#include <filesystem>

namespace marginalia {

// While it lives, this process counts as a run: it holds a lock on a file of its own in the user's folder for such
// things, which the system lets go when the process ends, in whatever way. Where there is no such folder, nobody is
// counted: that costs speed and nothing else.
class LiveRun {
public:
    LiveRun();
    explicit LiveRun(const std::filesystem::path& folder);
    ~LiveRun();
    LiveRun(const LiveRun&) = delete;
    LiveRun& operator=(const LiveRun&) = delete;

    int others() const;  // runs of this user that live now, but for this one

private:
    std::filesystem::path folder_, file_;
    int descriptor_ = -1;
};

}  // namespace marginalia
