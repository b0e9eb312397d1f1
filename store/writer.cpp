#include "store/writer.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "store/batch.h"
#include "store/error.h"

namespace marginalia::store {

using records::Record;
using records::Waiter;
using records::Work;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto batch_time = std::chrono::milliseconds(250);
constexpr auto retry_time = std::chrono::seconds(1);
constexpr std::size_t batch_points = 50'000;  // so that a flood is not held in memory for long

}  // namespace

struct Writer::State {
    explicit State(Store opened) : store(std::move(opened)), thread([this] { loop(); }) {}

    void add(Record record, bool urgent, std::size_t points = 0);
    void loop();
    bool wait_for_work(std::unique_lock<std::mutex>& lock);
    void write(std::vector<Record>& records);
    void keep_all_but_waiters(std::vector<Record>& records, StoreError::Kind kind, const std::string& sentence);

    Store store;

    mutable std::mutex mutex;
    std::condition_variable wake;  // the writer's thread
    std::condition_variable told;  // those who wait for their work
    std::vector<Record> queue;     // guarded by mutex, as is all that follows
    std::size_t queued_points = 0;
    Clock::time_point first_queued;
    bool urgent = false;
    bool closing = false;
    std::string file_failure;    // passes when a later try succeeds
    std::string record_failure;  // stays

    std::thread thread;  // last: starts when all else is there
};

void Writer::State::add(Record record, bool at_once, std::size_t points) {
    const std::lock_guard lock(mutex);
    const bool was_empty = queue.empty();
    if (was_empty) first_queued = Clock::now();
    queue.push_back(std::move(record));
    queued_points += points;
    const bool becomes_urgent = !urgent && (at_once || queued_points >= batch_points);
    urgent = urgent || becomes_urgent;
    if (was_empty || becomes_urgent) wake.notify_one();
}

// Waits until a batch is due; false: nothing is left and the writer closes.
bool Writer::State::wait_for_work(std::unique_lock<std::mutex>& lock) {
    wake.wait(lock, [this] { return !queue.empty() || closing; });
    wake.wait_until(lock, first_queued + batch_time, [this] { return urgent || closing; });
    return !queue.empty();
}

void Writer::State::loop() {
    std::vector<Record> records;
    std::unique_lock lock(mutex);
    while (wait_for_work(lock)) {
        records.swap(queue);
        queued_points = 0;
        urgent = false;
        lock.unlock();
        write(records);
        lock.lock();
        if (records.empty()) continue;
        // Could not be written: they stay in front of what came meanwhile, until the next try.
        records.insert(records.end(), std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
        queue.swap(records);
        records.clear();
        if (closing) return;
        first_queued = Clock::now();
        wake.wait_for(lock, retry_time, [this] { return urgent || closing; });
    }
}

void Writer::State::write(std::vector<Record>& records) {
    records::Batch batch(store);
    std::optional<std::pair<StoreError::Kind, std::string>> fault;
    try {
        store.transaction([&] { batch.write(records); });
    } catch (const StoreError& error) {
        fault.emplace(error.kind(), error.what());
    } catch (const std::exception& error) {
        fault.emplace(StoreError::Kind::failed, error.what());
    }
    if (fault) return keep_all_but_waiters(records, fault->first, fault->second);
    {
        const std::lock_guard lock(mutex);
        file_failure.clear();
        if (!batch.record_failure.empty()) record_failure = batch.record_failure;
        for (auto& record : records)
            if (auto* work = std::get_if<Work>(&record); work != nullptr && work->waiter != nullptr)
                *work->waiter = {true, std::move(work->error)};
    }
    told.notify_all();
    records.clear();
}

// Nothing of the batch is in the file. Who waits is told; all the rest is kept.
void Writer::State::keep_all_but_waiters(std::vector<Record>& records, StoreError::Kind kind,
                                         const std::string& sentence) {
    {
        const std::lock_guard lock(mutex);
        file_failure = sentence;
        std::erase_if(records, [&](Record& record) {
            auto* work = std::get_if<Work>(&record);
            if (work == nullptr || work->waiter == nullptr) return false;
            *work->waiter = {true, std::make_exception_ptr(StoreError(kind, sentence))};
            return true;
        });
    }
    told.notify_all();
}

Writer::Writer(Store store) : state_(std::make_unique<State>(std::move(store))) {}

Writer::~Writer() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->closing = true;
    }
    state_->wake.notify_one();
    state_->thread.join();
}

void Writer::metrics(TrialId trial, std::vector<MetricPoint> points) {
    const auto count = points.size();
    state_->add(records::Points{trial, std::move(points)}, false, count);
}

void Writer::final_metric(TrialId trial, std::string name, double value) {
    state_->add(records::Final{trial, std::move(name), value}, false);
}

void Writer::sample(TrialId trial, std::string name, std::int64_t step, std::string kind, std::string data) {
    state_->add(records::Sample{trial, std::move(name), step, std::move(kind), std::move(data)}, false);
}

void Writer::checkpoint(TrialId trial, std::int64_t step, std::string bytes, Retention keep) {
    state_->add(records::Checkpoint{trial, step, std::move(bytes), std::move(keep)}, true);
}

void Writer::status(TrialId trial, Status status, std::string error) {
    state_->add(records::StatusChange{trial, status, std::move(error)}, true);
}

void Writer::run(std::function<void(Store&)> work) { state_->add(Work{std::move(work), nullptr, nullptr}, false); }

void Writer::run_and_wait(std::function<void(Store&)> work) {
    Waiter waiter;
    state_->add(Work{std::move(work), &waiter, nullptr}, true);
    std::unique_lock lock(state_->mutex);
    state_->told.wait(lock, [&] { return waiter.done; });
    if (waiter.error) std::rethrow_exception(std::exchange(waiter.error, nullptr));
}

void Writer::flush() {
    run_and_wait([](Store&) {});
}

std::string Writer::failure() const {
    const std::lock_guard lock(state_->mutex);
    return state_->file_failure.empty() ? state_->record_failure : state_->file_failure;
}

}  // namespace marginalia::store
