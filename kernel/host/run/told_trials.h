// `tell`: trials whose parameters come as lines of JSON, and the answers to them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/base/descriptor_buffer.h"
#include "kernel/host/run/run.h"
#include "kernel/host/run/trial_source.h"
#include "kernel/spec/experiment.h"
#include "store/writer.h"

namespace marginalia {

// What the lines are about. All that is named outlives the lines.
struct Telling {
    const RunOptions& options;
    const Experiment& experiment;  // the file, with its sweep
    const PluginCatalogue& plugins;
    const std::string& provenance;
    store::Writer& writer;
    int input, output;  // descriptors: of the lines and of the answers
};

// Reads a line, queues its trials in the store, hands them to the scheduler, and answers once the store has their end:
// docs/optimisers.md has the form of lines and answers. What the store has already is answered at once. Trials that
// other lines or other processes are busy with are waited for.
//
// Threads: its own reads, queues and answers, so that neither a slow store nor a slow reader of the answers holds up
// trials; the scheduler's takes. Bounded: so many lines wait at most, of so many bytes, and then no more is read.
class ToldTrials final : public TrialSource {
public:
    explicit ToldTrials(const Telling& telling);
    ~ToldTrials() override;  // lines without an answer get none

    int descriptor() const override { return news_; }
    std::deque<Job> take() override;
    bool has_ended() const override { return ended_; }
    void at_hand(const std::set<store::TrialId>& trials) override;

    // Why answers could not be written, which ended it; empty: they could. To be asked once it has ended.
    const std::string& failure() const { return failure_; }

private:
    struct Line {
        nlohmann::json id = {};
        Experiment experiment = {};                                    // of these parameters alone
        bool first_stage_done = false;                                 // or there is none
        bool elsewhere = false;                                        // another process is busy with trials of it
        std::vector<store::Trial> trials = {};                         // of the stage at hand, as last seen
        std::set<store::TrialId> waits = {};                           // for these to be over
        std::set<std::pair<store::TrialId, std::int64_t>> given = {};  // what this line had done, by evaluation

        const Experiment& stage() const { return first_stage_done ? experiment : *experiment.stage1; }
    };

    void serve();
    void wait();
    void read_some();
    void take_text(const std::string& text);
    void take_line(const std::string& text);
    void advance_all();
    bool advance(Line& line);
    bool queue(Line& line);
    void hand_over(Line& line, std::deque<Job> jobs);
    void answer(const Line& line);
    void answer(nlohmann::json id, const std::string& error);
    void put_out(const nlohmann::json& answer);
    void write(std::string_view text);

    const Telling telling_;
    std::list<Line> lines_;  // not yet answered
    std::string unread_;     // the beginning of a line
    bool too_long_ = false;  // which is passed over up to its end
    bool input_ended_ = false;
    std::map<std::string, std::int64_t> sweeps_;  // to which the store's trials of these lines belong, by experiment
    std::string failure_;
    DescriptorBuffer out_;
    std::atomic<bool> ended_ = false, stop_ = false;

    std::mutex mutex_;  // of what follows
    std::deque<Job> jobs_;
    std::set<store::TrialId> outstanding_;  // handed over or about to be, not yet over

    int news_, wake_;  // eventfds, for the scheduler and for the own thread
    std::thread thread_;
};

}  // namespace marginalia
