// What waits to be written, and how a batch of it is. Internal to store/.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "store/store.h"

namespace marginalia::store::records {

struct Points {
    TrialId trial;
    std::vector<MetricPoint> points;
};
struct Final {
    TrialId trial;
    std::string name;
    double value;
};
struct Sample {
    TrialId trial;
    std::string name;
    std::int64_t step;
    std::string kind, data;
};
struct Piece {
    TrialId trial;
    std::int64_t number;
    std::string bytes;
};
struct Checkpoint {
    TrialId trial;
    std::int64_t step;
    Retention keep;
};
struct StatusChange {
    TrialId trial;
    Status status;
    std::string error;
};
// One who waits for his work. Owned by him; the writer lets go of the exception before it says so.
struct Waiter {
    bool done = false;  // guarded by the writer's mutex, as is the exception
    std::exception_ptr error;
};
struct Work {
    std::function<void(Store&)> body;
    Waiter* waiter;  // null: nobody waits
    std::exception_ptr error;
};
using Record = std::variant<Points, Final, Sample, Piece, Checkpoint, StatusChange, Work>;

std::size_t bytes_of(const Record& record);  // about what it takes of memory

// Trials of which a record could not be kept, and why.
using TrialFailures = std::map<TrialId, std::string>;

// Why a trial whose checkpoint the disk cannot hold fails.
std::string no_room_for_checkpoint(const Store& store);

// Writes one batch inside a transaction. Points wait until another record of their trial comes, so that many small
// lots become one; the order within a trial stays. Throws what concerns the file, after which the batch is to be
// rolled back and written again. A fault of one record fails its trial: what else it records is left out, until its
// status is set; where that would be `done`, it becomes `failed`.
class Batch {
public:
    Batch(Store& store, const TrialFailures& failed) : failed(failed), store_(store) {}

    void write(std::vector<Record>& records);

    TrialFailures failed;      // those whose status has not been set since
    TrialFailures new_failed;  // by this batch
    std::string work_failure;  // the last fault of work that nobody waits for

private:
    void take(Points& record);
    void take(Final& record);
    void take(Sample& record);
    void take(Piece& record);
    void take(Checkpoint& record);
    void take(StatusChange& record);
    void take(Work& record);
    void keep_error(Work& work, const char* sentence);
    void after_points(TrialId trial, const std::function<void()>& write);
    void write_points(TrialId trial, const std::vector<MetricPoint>& points);
    void write_all_points();
    bool has_room_for(const Piece& piece);
    void alone(TrialId trial, const std::function<void()>& write);

    Store& store_;
    std::unordered_map<TrialId, std::vector<MetricPoint>> points_;
    std::uint64_t piece_bytes_ = 0;  // of this batch
};

}  // namespace marginalia::store::records
