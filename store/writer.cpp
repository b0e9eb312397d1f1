#include "store/writer.h"

#include <utility>

#include "store/writer_state.h"

namespace marginalia::store {

using records::Waiter;
using records::Work;

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
    state_->add(records::Points{trial, std::move(points)}, false);
}

void Writer::final_metric(TrialId trial, std::string name, double value) {
    state_->add(records::Final{trial, std::move(name), value}, false);
}

void Writer::sample(TrialId trial, std::string name, std::int64_t step, std::string kind, std::string data) {
    state_->add(records::Sample{trial, std::move(name), step, std::move(kind), std::move(data)}, false);
}

void Writer::checkpoint_piece(TrialId trial, std::int64_t number, std::string bytes) {
    state_->add(records::Piece{trial, number, std::move(bytes)}, false);
}

void Writer::end_checkpoint(TrialId trial, std::int64_t step, Retention keep) {
    state_->add(records::Checkpoint{trial, step, std::move(keep)}, true);
}

void Writer::checkpoint(TrialId trial, std::int64_t step, std::string bytes, Retention keep) {
    checkpoint_piece(trial, 0, std::move(bytes));
    end_checkpoint(trial, step, std::move(keep));
}

std::uint64_t Writer::status(TrialId trial, Status status, std::string error) {
    return state_->add(records::StatusChange{trial, status, std::move(error)}, true);
}

std::uint64_t Writer::run(std::function<void(Store&)> work) {
    return state_->add(Work{std::move(work), nullptr, nullptr}, false);
}

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

std::uint64_t Writer::written() const {
    const std::lock_guard lock(state_->mutex);
    return state_->written;
}

std::size_t Writer::waiting_bytes() const {
    const std::lock_guard lock(state_->mutex);
    return state_->queue_bytes + state_->batch_in_hand;
}

std::string Writer::failure() const {
    const std::lock_guard lock(state_->mutex);
    return state_->file_failure.empty() ? state_->work_failure : state_->file_failure;
}

std::string Writer::moved() const {
    const std::lock_guard lock(state_->mutex);
    return state_->moved;
}

std::filesystem::path Writer::file() const {
    const std::lock_guard lock(state_->mutex);
    return state_->file;
}

std::map<TrialId, std::string> Writer::take_failed() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->untold, {});
}

std::optional<std::chrono::milliseconds> Writer::locked_for() const {
    const auto waited = state_->locked_ms.load();
    return waited < 0 ? std::nullopt : std::optional(std::chrono::milliseconds(waited));
}

void Writer::give_up() { state_->given_up = true; }

}  // namespace marginalia::store
