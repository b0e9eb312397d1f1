#include "store/writer_state.h"

#include <set>
#include <utility>

#include "store/connection.h"
#include "store/sentences.h"

namespace marginalia::store {

using records::Work;

namespace {

constexpr auto batch_time = std::chrono::milliseconds(250);
constexpr auto retry_time = std::chrono::seconds(1);
constexpr auto look_time = std::chrono::seconds(1);       // between two looks at whether the file is still there
constexpr auto last_patience = std::chrono::seconds(10);  // with a lock, once the writer closes
constexpr std::size_t batch_bytes = 8 << 20;              // so that a flood is not held in memory for long

// Trials of which a checkpoint of several pieces is among the records.
std::set<TrialId> with_large_checkpoint(const std::vector<records::Record>& records) {
    std::set<TrialId> trials;
    for (const auto& record : records)
        if (const auto* piece = std::get_if<records::Piece>(&record); piece != nullptr && piece->number > 0)
            trials.insert(piece->trial);
    return trials;
}

}  // namespace

Writer::State::State(Store opened) : store(std::move(opened)), file(store.file()) {
    store.set_patience([this](std::chrono::milliseconds waited) { return wait_on(waited); });
    thread = std::thread([this] { loop(); });
}

bool Writer::State::wait_on(std::chrono::milliseconds waited) {
    locked_ms = waited.count();
    const std::lock_guard lock(mutex);
    return !given_up && !(closing && waited > last_patience);
}

std::uint64_t Writer::State::add(Record record, bool at_once) {
    const std::size_t bytes = bytes_of(record);
    const std::lock_guard lock(mutex);
    const bool was_empty = queue.empty();
    if (was_empty) first_queued = Clock::now();
    queue.push_back(std::move(record));
    queue_bytes += bytes;
    const bool becomes_urgent = !urgent && (at_once || queue_bytes >= batch_bytes);
    urgent = urgent || becomes_urgent;
    if (was_empty || becomes_urgent) wake.notify_one();
    return ++added;
}

// Waits until a batch is due; false: nothing is left and the writer closes.
bool Writer::State::wait_for_work(std::unique_lock<std::mutex>& lock) {
    while (!wake.wait_for(lock, look_time, [this] { return !queue.empty() || closing; })) {
        lock.unlock();
        const auto fault = look_after_file();
        lock.lock();
        if (fault) file_failure = fault->sentence;
    }
    wake.wait_until(lock, first_queued + batch_time, [this] { return urgent || closing; });
    return !queue.empty();
}

void Writer::State::loop() {
    write_all();
    // Of one that could not be saved: its log must not be found beside another file that has taken the path.
    if (store.has_moved()) store.connection().empty_log();
}

void Writer::State::write_all() {
    std::vector<Record> records;
    std::unique_lock lock(mutex);
    while (wait_for_work(lock)) {
        records.swap(queue);
        batch_in_hand = std::exchange(queue_bytes, 0);
        const auto last = added;
        urgent = false;
        lock.unlock();
        if (const auto fault = look_after_file()) keep_all_but_waiters(records, *fault);
        else write(records, last);
        lock.lock();
        if (records.empty()) continue;
        // Could not be written: they stay in front of what came meanwhile, until the next try.
        records.insert(records.end(), std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
        queue.swap(records);
        records.clear();
        queue_bytes += std::exchange(batch_in_hand, 0);
        if (closing) return;
        first_queued = Clock::now();
        wake.wait_for(lock, retry_time, [this] { return urgent || closing; });
    }
}

// Another file at the path would be taken for ours by all who read it, and our log for its own.
std::optional<Fault> Writer::State::look_after_file() {
    if (!store.has_moved()) return std::nullopt;
    const auto old = store.file();
    try {
        store.move_beside();
    } catch (const std::exception& error) {
        return Fault{StoreError::Kind::moved, lost_store(old, error.what()).what()};
    }
    store.set_patience([this](std::chrono::milliseconds waited) { return wait_on(waited); });
    const std::lock_guard lock(mutex);
    moved = moved_store(old, store.file()).what();
    file = store.file();
    return std::nullopt;
}

std::optional<Fault> Writer::State::try_batch(std::vector<Record>& records, std::uint64_t last) {
    records::Batch batch(store, failed);
    std::optional<Fault> fault;
    try {
        store.transaction([&] { batch.write(records); });
    } catch (const StoreError& error) {
        fault = {error.kind(), error.what()};
    } catch (const std::exception& error) {
        fault = {StoreError::Kind::failed, error.what()};
    }
    locked_ms = -1;
    if (fault) return fault;
    failed = std::move(batch.failed);
    {
        const std::lock_guard lock(mutex);
        file_failure.clear();
        written = last;
        batch_in_hand = 0;
        untold.merge(batch.new_failed);
        if (!batch.work_failure.empty()) work_failure = batch.work_failure;
        for (auto& record : records)
            if (auto* work = std::get_if<Work>(&record); work != nullptr && work->waiter != nullptr)
                *work->waiter = {true, std::move(work->error)};
    }
    told.notify_all();
    records.clear();
    return std::nullopt;
}

void Writer::State::write(std::vector<Record>& records, std::uint64_t last) {
    auto fault = try_batch(records, last);
    // A checkpoint that the disk cannot hold must not end the trials whose checkpoints it can.
    if (fault && fault->kind == StoreError::Kind::full) {
        bool fewer = false;
        for (const auto trial : with_large_checkpoint(records)) {
            const auto why = records::no_room_for_checkpoint(store);
            if (!failed.emplace(trial, why).second) continue;
            fewer = true;
            const std::lock_guard lock(mutex);
            untold[trial] = why;
        }
        if (fewer) fault = try_batch(records, last);
    }
    if (fault) keep_all_but_waiters(records, *fault);
}

// Nothing of the batch is in the file. Those who wait learn why; all the rest is kept.
void Writer::State::keep_all_but_waiters(std::vector<Record>& records, const Fault& fault) {
    {
        const std::lock_guard lock(mutex);
        file_failure = fault.sentence;
        std::erase_if(records, [&](Record& record) {
            auto* work = std::get_if<Work>(&record);
            if (work == nullptr || work->waiter == nullptr) return false;
            *work->waiter = {true, std::make_exception_ptr(StoreError(fault.kind, fault.sentence))};
            return true;
        });
    }
    told.notify_all();
}

}  // namespace marginalia::store
