// The host's one writer thread: takes records at once, writes them in batches.
#pragma once

#include <functional>
#include <memory>

#include "store/store.h"

namespace marginalia::store {

// Queues records and writes them from its own thread, one transaction per 250 ms, sooner when a checkpoint or the end
// of a trial arrives. Records of one trial are written in the order given; a checkpoint and every record before it are
// one transaction, so that a kill leaves the store at a checkpoint with exactly its metrics, or later.
//
// All methods may be called from any thread and return at once. If the store cannot be written (disk full), the
// writer keeps the records, `failure()` gives the sentence, and the host stops its trials; nothing in the file is lost.
// It tries again every second, and the sentence goes when that succeeds. A record that can never be written (an unknown
// trial, a checkpoint too large) is left out and its sentence stays.
class Writer {
public:
    explicit Writer(Store store);
    ~Writer();  // writes what is left

    void metrics(TrialId trial, std::vector<MetricPoint> points);
    void final_metric(TrialId trial, std::string name, double value);
    void sample(TrialId trial, std::string name, std::int64_t step, std::string kind, std::string data);
    void checkpoint(TrialId trial, std::int64_t step, std::string bytes, Retention keep);
    void status(TrialId trial, Status status, std::string error = {});

    // Runs `work` on the writer's thread after everything queued before it, inside its transaction; again if that is
    // rolled back by a full disk. What it throws undoes its own writes only and becomes the failure.
    void run(std::function<void(Store&)> work);
    // The same, and waits for it to be committed. Rethrows what it throws, and the StoreError of a batch that cannot be
    // written, after which it is not tried again. Not to be called from within `work`.
    void run_and_wait(std::function<void(Store&)> work);
    void flush();  // waits until all records given so far are committed; throws if they cannot be

    std::string failure() const;  // empty while all is well

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace marginalia::store
