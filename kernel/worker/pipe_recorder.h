// The worker's Recorder: gathers what a trial records and sends it to the host from a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "kernel/wire/protocol.h"
#include "kernel/wire/recorder.h"

namespace marginalia {

// Records made within 20 ms travel together; checkpoints, answers and the end of a trial at once. Recording waits for
// the pipe only where `most_waiting_bytes` are held here, as when the host is far behind or a checkpoint is larger.
//
// Threads: the Recorder methods are for the trial's thread; request_stop, clear_stop, overdue and post may come from
// any.
class PipeRecorder final : public Recorder {
public:
    static constexpr std::size_t most_waiting_bytes = 64 << 20;

    explicit PipeRecorder(int descriptor);
    ~PipeRecorder() override;  // sends what is left

    void metric(std::string_view name, std::int64_t step, double value) override;
    void final_metric(std::string_view name, double value) override;
    void sample(std::string_view name, std::int64_t step, std::string_view kind, std::string data) override;
    void checkpoint(std::int64_t step, std::string bytes) override;
    void stream_checkpoint(std::int64_t step, const std::function<void(const ByteSink&)>& write) override;
    void progress(std::string_view phase, std::int64_t done, std::int64_t total) override;
    bool stop_requested() override { return stop_.load(std::memory_order_relaxed); }

    void may_be_ended(double patience) override;

    void request_stop();
    void clear_stop() { stop_ = false; }
    // Whether the trial should have stopped by now and nothing is lost if it is ended.
    bool overdue();

    // Sends a record after all those made so far, without delay.
    void post(RecordType type, std::string payload);
    void flush();  // returns once everything made so far is in the pipe

private:
    // These expect the mutex to be held.
    void wait_for_room(std::unique_lock<std::mutex>& lock);
    void add_frame(std::string header, std::string payload);
    void enqueue(RecordType type, std::string payload, bool at_once);
    void close_metrics();
    void close_progress();
    std::uint32_t id_of(std::string_view name);
    void wake(bool at_once);

    void send_records();
    void write(const std::string& bytes) const;

    const int descriptor_;
    std::atomic<bool> stop_ = false;
    double patience_ = 0;                                  // s
    std::chrono::steady_clock::time_point patient_since_;  // the last change of patience_ or stop_

    std::mutex mutex_;
    std::condition_variable something_, sent_;
    std::deque<std::string> frames_;   // headers and payloads, ready for the pipe
    std::size_t waiting_bytes_ = 0;    // of frames_, and of those that are being sent
    std::vector<MetricEntry> points_;  // recorded after the last of frames_
    std::string progress_;             // newest progress payload; empty: none since the last
    std::map<std::string, std::uint32_t, std::less<>> names_;
    bool waiting_ = false, urgent_ = false, sending_ = false, end_ = false;
    std::thread sender_;
};

}  // namespace marginalia
