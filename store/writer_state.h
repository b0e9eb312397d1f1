// The queue of the writer and its thread. Internal to store/.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "store/batch.h"
#include "store/error.h"
#include "store/writer.h"

namespace marginalia::store {

struct Fault {
    StoreError::Kind kind;
    std::string sentence;
};

struct Writer::State {
    using Clock = std::chrono::steady_clock;
    using Record = records::Record;

    explicit State(Store opened);

    std::uint64_t add(Record record, bool urgent);
    void loop();
    bool wait_for_work(std::unique_lock<std::mutex>& lock);
    void write(std::vector<Record>& records, std::uint64_t last);
    std::optional<Fault> try_batch(std::vector<Record>& records, std::uint64_t last);
    std::optional<Fault> look_after_file();
    void write_all();
    void keep_all_but_waiters(std::vector<Record>& records, const Fault& fault);
    bool wait_on(std::chrono::milliseconds waited);

    Store store;                    // of the writer's thread, as is the next
    records::TrialFailures failed;  // whose status has not been set since

    std::atomic<std::int64_t> locked_ms = -1;  // how long we have waited for a lock; -1: we do not
    std::atomic<bool> given_up = false;

    mutable std::mutex mutex;
    std::condition_variable wake;  // the writer's thread
    std::condition_variable told;  // those who wait for their work
    std::vector<Record> queue;     // guarded by mutex, as is all that follows
    std::uint64_t added = 0, written = 0;
    std::size_t queue_bytes = 0, batch_in_hand = 0;
    Clock::time_point first_queued;
    bool urgent = false;
    bool closing = false;
    std::string file_failure;  // passes when a later try succeeds
    std::string work_failure;  // stays
    std::string moved;
    std::filesystem::path file;
    records::TrialFailures untold;

    std::thread thread;  // last: starts when all else is there
};

}  // namespace marginalia::store
