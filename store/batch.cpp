#include "store/batch.h"

#include "store/error.h"

namespace marginalia::store::records {

namespace {

// Faults of the disk or the file concern every record and may pass; others are of one record and would come again.
bool is_of_the_file(const StoreError& error) {
    using Kind = StoreError::Kind;
    return error.kind() != Kind::no_match && error.kind() != Kind::bad_query && error.kind() != Kind::too_large;
}

}  // namespace

void Batch::write(std::vector<Record>& records) {
    for (auto& record : records) std::visit([this](auto& r) { take(r); }, record);
    write_all_points();
}

void Batch::take(Points& r) {
    auto& waiting = points_[r.trial];
    waiting.insert(waiting.end(), r.points.begin(), r.points.end());
}

void Batch::take(Final& r) {
    after_points(r.trial, [&] { store_.set_final_metric(r.trial, r.name, r.value); });
}

void Batch::take(Sample& r) {
    after_points(r.trial, [&] { store_.add_sample(r.trial, r.name, r.step, r.kind, r.data); });
}

void Batch::take(Checkpoint& r) {
    after_points(r.trial, [&] { store_.add_checkpoint(r.trial, r.step, r.bytes, r.keep); });
}

void Batch::take(StatusChange& r) {
    after_points(r.trial, [&] { store_.set_status(r.trial, r.status, r.error); });
}

void Batch::take(Work& r) {
    write_all_points();
    r.error = nullptr;
    try {
        store_.transaction([&] { r.body(store_); });
    } catch (const StoreError& error) {
        if (is_of_the_file(error)) throw;
        keep_error(r, error.what());
    } catch (const std::exception& error) {
        keep_error(r, error.what());
    }
}

void Batch::keep_error(Work& work, const char* sentence) {
    if (work.waiter != nullptr)
        work.error = std::current_exception();
    else
        record_failure = sentence;
}

void Batch::after_points(TrialId trial, const std::function<void()>& write) {
    if (const auto waiting = points_.find(trial); waiting != points_.end()) {
        write_points(trial, waiting->second);
        points_.erase(waiting);
    }
    alone(write);
}

void Batch::write_points(TrialId trial, const std::vector<MetricPoint>& points) {
    alone([&] { store_.add_metrics(trial, points); });
}

void Batch::write_all_points() {
    for (const auto& [trial, points] : points_) write_points(trial, points);
    points_.clear();
}

void Batch::alone(const std::function<void()>& write) {
    try {
        write();
    } catch (const StoreError& error) {
        if (is_of_the_file(error)) throw;
        record_failure = error.what();
    }
}

}  // namespace marginalia::store::records
