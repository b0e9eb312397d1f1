// The host's one writer thread: takes records at once, writes them in batches.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "store/store.h"

namespace marginalia::store {

// Queues records and writes them from its own thread, one transaction per 250 ms, sooner when a checkpoint or the end
// of a trial arrives or much is queued. Records of one trial are written in the order given; the end of a checkpoint
// and every record before it are one transaction, so that a kill leaves the store at a checkpoint with exactly its
// metrics, or later.
//
// All methods may be called from any thread and return at once. What can go wrong:
// - The store cannot be written (disk full): the records are kept, `failure()` gives the sentence, and the host stops
// its
//   trials; nothing in the file is lost. It tries again every second, and the sentence goes when that succeeds.
// - Another program holds it locked: it waits for as long as that takes, and `locked_for()` tells.
// - The file was moved, deleted or replaced, which is looked at every second and before each transaction: all that it
//   held is copied to a new file beside it, where what comes goes too; `moved()` gives the sentence and `file()` its
//   path.
// - A record that can never be written, or a checkpoint of several pieces for which there is no room: `take_failed()`
//   gives its trial, which is to be ended. What else that trial records is left out until its status is set.
class Writer {
public:
    explicit Writer(Store store);
    ~Writer();  // writes what is left

    void metrics(TrialId trial, std::vector<MetricPoint> points);
    void final_metric(TrialId trial, std::string name, double value);
    void sample(TrialId trial, std::string name, std::int64_t step, std::string kind, std::string data);
    // See Store::add_checkpoint_piece.
    void checkpoint_piece(TrialId trial, std::int64_t number, std::string bytes);
    void end_checkpoint(TrialId trial, std::int64_t step, Retention keep);
    void checkpoint(TrialId trial, std::int64_t step, std::string bytes, Retention keep);  // of one piece
    // The number by which written() tells that it is in the store.
    std::uint64_t status(TrialId trial, Status status, std::string error = {});

    // Runs `work` on the writer's thread after everything queued before it, inside its transaction; again if that is
    // rolled back by a full disk. What it throws undoes its own writes only and becomes the failure.
    std::uint64_t run(std::function<void(Store&)> work);  // its number, as of status()
    // The same, and waits for it to be committed. Rethrows what it throws, and the StoreError of a batch that cannot be
    // written, after which it is not tried again. Not to be called from within `work`.
    void run_and_wait(std::function<void(Store&)> work);
    void flush();  // waits until all records given so far are committed; throws if they cannot be

    std::uint64_t written() const;      // records up to this number are in the store
    std::size_t waiting_bytes() const;  // of records that are not
    std::string failure() const;        // empty while all is well
    std::string moved() const;          // empty while the file is where it was
    std::filesystem::path file() const;
    std::map<TrialId, std::string> take_failed();                 // trials that failed since the last call, and why
    std::optional<std::chrono::milliseconds> locked_for() const;  // by another program, at this moment
    void give_up();                                               // from now on a lock is a failure at once

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace marginalia::store
