// Whether the store has changed: one thread looks for all.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "store/store.h"

namespace marginalia::serve {

class Watch {
public:
    // `changed` is called on the watch's own thread whenever the store is another than it was at the last look, twice a
    // second: when somebody has written, and when the file has been replaced, has gone or can be read again.
    Watch(std::filesystem::path store, std::function<void()> changed);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Never the same again once the store has changed, for another process that serves it, too. From any thread.
    std::int64_t revision() const { return revision_; }

private:
    // What tells the store's present content from what it was.
    struct Seen {
        std::int64_t opened = 0;              // how often the file had to be opened
        std::optional<std::int64_t> version;  // as SQLite counts for one connection; nullopt: it cannot be read
        bool operator==(const Seen&) const = default;
    };
    void run();
    Seen look();

    const std::filesystem::path file_;
    const std::function<void()> changed_;
    std::atomic<std::int64_t> revision_;
    std::optional<store::Store> store_;  // of the thread, as is the next
    std::int64_t opened_ = 0;
    std::mutex mutex_;
    std::condition_variable stopping_;
    bool stopped_ = false;  // guarded by mutex_
    std::thread thread_;    // last, as it uses the others
};

}  // namespace marginalia::serve
