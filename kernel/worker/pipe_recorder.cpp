#include "kernel/worker/pipe_recorder.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "kernel/worker/worker.h"

namespace marginalia {
namespace {

constexpr auto delay = std::chrono::milliseconds(20);

double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

PipeRecorder::PipeRecorder(int descriptor) : descriptor_(descriptor), sender_([this] { send_records(); }) {}

PipeRecorder::~PipeRecorder() {
    {
        std::lock_guard lock(mutex_);
        end_ = true;
        wake(true);
    }
    sender_.join();
}

void PipeRecorder::metric(std::string_view name, std::int64_t step, double value) {
    const double time = now();
    std::unique_lock lock(mutex_);
    if (points_.size() >= most_waiting_points)
        sent_.wait(lock, [&] { return points_.size() < most_waiting_points; });
    points_.push_back({id_of(name), 0, step, value, time});
    wake(false);
}

void PipeRecorder::final_metric(std::string_view name, double value) {
    std::string payload;
    put(payload, value);
    std::lock_guard lock(mutex_);
    enqueue(Record::final_metric, payload += name, false);
}

void PipeRecorder::sample(std::string_view name, std::int64_t step, std::string_view kind, std::string data) {
    const std::string head = nlohmann::json{{"name", name}, {"step", step}, {"kind", kind}}.dump();
    std::string payload;
    put(payload, static_cast<std::uint32_t>(head.size()));
    std::lock_guard lock(mutex_);
    enqueue(Record::sample, payload += head + data, false);
}

void PipeRecorder::checkpoint(std::int64_t step, std::string bytes) {
    std::string head = frame_header(static_cast<std::uint8_t>(Record::checkpoint), sizeof step + bytes.size());
    put(head, step);
    std::lock_guard lock(mutex_);
    close_metrics();
    frames_.push_back(std::move(head));
    frames_.push_back(std::move(bytes));
    wake(true);
}

void PipeRecorder::progress(std::string_view phase, std::int64_t done, std::int64_t total) {
    std::lock_guard lock(mutex_);
    progress_.clear();
    put(progress_, done);
    put(progress_, total);
    progress_ += phase;
    wake(false);
}

void PipeRecorder::post(Record type, std::string payload) {
    std::lock_guard lock(mutex_);
    enqueue(type, std::move(payload), true);
}

void PipeRecorder::flush() {
    std::unique_lock lock(mutex_);
    wake(true);
    sent_.wait(lock, [&] { return !waiting_ && !sending_; });
}

void PipeRecorder::enqueue(Record type, std::string payload, bool at_once) {
    close_metrics();
    close_progress();
    frames_.push_back(frame_header(static_cast<std::uint8_t>(type), payload.size()));
    frames_.push_back(std::move(payload));
    wake(at_once);
}

void PipeRecorder::close_metrics() {
    if (points_.empty()) return;
    const std::size_t bytes = points_.size() * sizeof(MetricEntry);
    std::string frame = frame_header(static_cast<std::uint8_t>(Record::metrics), bytes);
    frame.append(reinterpret_cast<const char*>(points_.data()), bytes);
    frames_.push_back(std::move(frame));
    points_.clear();
}

void PipeRecorder::close_progress() {
    if (progress_.empty()) return;
    frames_.push_back(frame_header(static_cast<std::uint8_t>(Record::progress), progress_.size()) + progress_);
    progress_.clear();
}

// Names are announced in frames_, which leave before points_: no need to keep the order among points.
std::uint32_t PipeRecorder::id_of(std::string_view name) {
    if (const auto known = names_.find(name); known != names_.end()) return known->second;
    const auto id = static_cast<std::uint32_t>(names_.size());
    names_.emplace(name, id);
    std::string payload;
    put(payload, id);
    payload += name;
    frames_.push_back(frame_header(static_cast<std::uint8_t>(Record::name), payload.size()) + payload);
    return id;
}

// Notifies only when the sender may be asleep, to keep metric() cheap.
void PipeRecorder::wake(bool at_once) {
    if (waiting_ && (urgent_ || !at_once)) return;
    waiting_ = true;
    urgent_ = urgent_ || at_once;
    something_.notify_one();
}

void PipeRecorder::send_records() {
    std::unique_lock lock(mutex_);
    for (;;) {
        something_.wait(lock, [&] { return waiting_; });
        something_.wait_for(lock, delay, [&] { return urgent_; });
        close_metrics();
        close_progress();
        std::deque<std::string> frames;
        frames.swap(frames_);
        waiting_ = urgent_ = false;
        sending_ = true;
        lock.unlock();
        for (const std::string& frame : frames) write(frame);
        lock.lock();
        sending_ = false;
        sent_.notify_all();
        if (end_ && !waiting_) return;
    }
}

void PipeRecorder::write(const std::string& bytes) const {
    for (std::size_t at = 0; at < bytes.size();) {
        const long written = ::write(descriptor_, bytes.data() + at, bytes.size() - at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EPIPE) end_worker_group();  // the host is gone: nobody is left to work for
        if (written < 0) {
            std::fprintf(stderr, "records cannot be sent: %s; a plugin changed a file descriptor that is not its own\n",
                         std::strerror(errno));
            ::_exit(1);
        }
        at += static_cast<std::size_t>(written);
    }
}

}  // namespace marginalia
