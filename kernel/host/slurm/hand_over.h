// A task's store on its way to the folder that all nodes see.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace marginalia {

// Copies the store now and then, whole, on a thread of its own, which takes no signals. What a lost node costs is what
// came after the last copy.
class HandOver {
public:
    // `seconds`: between copies; more where a copy takes more than a tenth of that.
    HandOver(std::filesystem::path store, std::filesystem::path to, double seconds);
    ~HandOver();
    HandOver(const HandOver&) = delete;

    // The last copy, of a store that nobody writes any more. Throws Error where it cannot be made.
    void finish();

private:
    void serve();
    void copy() const;
    void end();

    const std::filesystem::path store_, to_;
    const double seconds_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool end_ = false;
    std::thread thread_;
};

// Puts a copy of the file in place, whole: under another name first, written to the disk, then renamed. Throws Error.
void put_in_place(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace marginalia
