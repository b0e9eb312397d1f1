// How a process shows that it still lives, to all processes of the machine, those of other containers among them: it
// holds a lock on a file beside the store, which the kernel lets go of when the process ends in whatever way.
// Internal to store/.
#pragma once

#include <filesystem>
#include <string>

namespace marginalia::store {

// Held for as long as this process runs trials of the store; the file is gone afterwards, unless the process is killed.
// One owner; any thread.
class RunLock {
public:
    // Where no such file can be made there is no lock, and name() is empty.
    explicit RunLock(const std::filesystem::path& store);
    ~RunLock();
    RunLock(const RunLock&) = delete;

    const std::string& name() const { return name_; }  // 16 hexadecimal digits

private:
    std::filesystem::path file_;
    std::string name_;
    int descriptor_ = -1;
};

enum class Held { yes, no, unknown };  // unknown: there is no such file, as beside a copy
Held run_lock_held(const std::filesystem::path& store, const std::string& name);

// Removes the files of processes that were killed.
void remove_free_run_locks(const std::filesystem::path& store);

}  // namespace marginalia::store
