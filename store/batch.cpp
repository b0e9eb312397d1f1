#include "store/batch.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "store/error.h"
#include "store/place.h"

namespace marginalia::store::records {

namespace {

// Faults of the disk or the file concern every record and may pass; others are of one record and would come again.
bool is_of_the_file(const StoreError& error) {
    using Kind = StoreError::Kind;
    return error.kind() != Kind::no_match && error.kind() != Kind::bad_query && error.kind() != Kind::too_large;
}

constexpr std::uint64_t spare_bytes = 4 << 20;  // that a large checkpoint leaves on the disk

}  // namespace

std::string no_room_for_checkpoint(const Store& store) {
    return fmt::format(
        "there is no room on the disk of store {} for its checkpoint; make some, or use a smaller network, and "
        "run with --retry-failed",
        store.file().string());
}

std::size_t bytes_of(const Record& record) {
    std::size_t bytes = sizeof record;
    if (const auto* points = std::get_if<Points>(&record))
        for (const auto& point : points->points) bytes += sizeof point + point.name.size();
    else if (const auto* sample = std::get_if<Sample>(&record)) bytes += sample->data.size();
    else if (const auto* piece = std::get_if<Piece>(&record)) bytes += piece->bytes.size();
    return bytes;
}

void Batch::write(std::vector<Record>& records) {
    for (const auto& [trial, why] : failed) store_.drop_unfinished_checkpoint(trial);
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

// The points that came before may be committed after it: only the end of a checkpoint makes it one.
void Batch::take(Piece& r) {
    if (failed.contains(r.trial)) return;
    if (!has_room_for(r)) {
        failed[r.trial] = new_failed[r.trial] = no_room_for_checkpoint(store_);
        return store_.drop_unfinished_checkpoint(r.trial);
    }
    alone(r.trial, [&] { store_.add_checkpoint_piece(r.trial, r.number, r.bytes); });
}

// A large checkpoint must not take the last of the disk: then nothing could be written any more, not even that it is to
// go. It lies in the log first and then in the file, and of neither has the disk seen what this batch has.
bool Batch::has_room_for(const Piece& piece) {
    piece_bytes_ += piece.bytes.size();
    std::error_code failure;
    const auto disk = std::filesystem::space(folder_of(store_.file()), failure);
    return failure || piece.number == 0 || disk.available > 2 * piece_bytes_ + spare_bytes;
}

void Batch::take(Checkpoint& r) {
    after_points(r.trial, [&] { store_.end_checkpoint(r.trial, r.step, r.keep); });
}

void Batch::take(StatusChange& r) {
    after_points(r.trial, [&] { store_.drop_unfinished_checkpoint(r.trial); });
    const auto found = failed.find(r.trial);
    const std::string why = found == failed.end() ? "" : found->second;
    if (found != failed.end()) failed.erase(found);
    const bool is_spoilt = !why.empty() && r.status == Status::done;
    alone(r.trial,
          [&] { store_.set_status(r.trial, is_spoilt ? Status::failed : r.status, is_spoilt ? why : r.error); });
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
    if (work.waiter != nullptr) work.error = std::current_exception();
    else work_failure = sentence;
}

void Batch::after_points(TrialId trial, const std::function<void()>& write) {
    if (const auto waiting = points_.find(trial); waiting != points_.end()) {
        write_points(trial, waiting->second);
        points_.erase(waiting);
    }
    alone(trial, write);
}

void Batch::write_points(TrialId trial, const std::vector<MetricPoint>& points) {
    alone(trial, [&] { store_.add_metrics(trial, points); });
}

void Batch::write_all_points() {
    for (const auto& [trial, points] : points_) write_points(trial, points);
    points_.clear();
}

void Batch::alone(TrialId trial, const std::function<void()>& write) {
    if (failed.contains(trial)) return;
    try {
        write();
    } catch (const StoreError& error) {
        if (is_of_the_file(error)) throw;
        failed[trial] = new_failed[trial] = error.what();
    }
}

}  // namespace marginalia::store::records
