#include "kernel/worker/pipe_recorder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "kernel/worker/worker.h"

namespace marginalia {
namespace {

constexpr auto delay = std::chrono::milliseconds(20);

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

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
    wait_for_room(lock);
    points_.push_back({id_of(name), step, value, time});
    wake(false);
}

void PipeRecorder::final_metric(std::string_view name, double value) {
    std::string payload;
    put(payload, value);
    std::unique_lock lock(mutex_);
    wait_for_room(lock);
    enqueue(RecordType::final_metric, payload += name, false);
}

void PipeRecorder::sample(std::string_view name, std::int64_t step, std::string_view kind, std::string data) {
    std::string payload;
    put_text(payload, encoded(SampleHead{std::string(name), std::string(kind), step}));
    std::unique_lock lock(mutex_);
    wait_for_room(lock);
    enqueue(RecordType::sample, payload += data, false);
}

void PipeRecorder::checkpoint(std::int64_t step, std::string bytes) {
    stream_checkpoint(step, [&](const ByteSink& sink) { sink(bytes); });
}

void PipeRecorder::stream_checkpoint(std::int64_t step, const std::function<void(const ByteSink&)>& write) {
    std::string piece;
    std::uint32_t number = 0;
    std::uint64_t total = 0;
    const auto send_piece = [&] {
        std::string head =
            frame_header(static_cast<std::uint8_t>(RecordType::checkpoint_piece), sizeof number + piece.size());
        put(head, number++);
        total += piece.size();
        std::unique_lock lock(mutex_);
        wait_for_room(lock);
        add_frame(std::move(head), std::exchange(piece, {}));
        wake(true);
        lock.unlock();
        piece.reserve(checkpoint_piece_bytes);  // as large as all but the last, rather than grown to twice that
    };
    write([&](std::string_view part) {
        while (!part.empty()) {
            const auto some = part.substr(0, checkpoint_piece_bytes - piece.size());
            piece += some;
            part.remove_prefix(some.size());
            if (piece.size() == checkpoint_piece_bytes) send_piece();
        }
    });
    if (!piece.empty() || number == 0) send_piece();
    std::string end;
    put(end, step);
    put(end, total);
    std::lock_guard lock(mutex_);
    enqueue(RecordType::checkpoint, std::move(end), true);
}

void PipeRecorder::progress(std::string_view phase, std::int64_t done, std::int64_t total) {
    std::lock_guard lock(mutex_);
    progress_.clear();
    put(progress_, done);
    put(progress_, total);
    progress_ += phase;
    wake(false);
}

void PipeRecorder::may_be_ended(double patience) {
    std::lock_guard lock(mutex_);
    patience_ = patience;
    patient_since_ = std::chrono::steady_clock::now();
}

void PipeRecorder::request_stop() {
    std::lock_guard lock(mutex_);
    stop_ = true;
    patient_since_ = std::chrono::steady_clock::now();
}

bool PipeRecorder::overdue() {
    std::lock_guard lock(mutex_);
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - patient_since_;
    return stop_ && patience_ > 0 && waited.count() > patience_;
}

void PipeRecorder::post(RecordType type, std::string payload) {
    std::lock_guard lock(mutex_);
    enqueue(type, std::move(payload), true);
}

void PipeRecorder::flush() {
    std::unique_lock lock(mutex_);
    wake(true);
    sent_.wait(lock, [&] { return !waiting_ && !sending_; });
}

void PipeRecorder::enqueue(RecordType type, std::string payload, bool at_once) {
    close_metrics();
    close_progress();
    std::string header = frame_header(static_cast<std::uint8_t>(type), payload.size());
    add_frame(std::move(header), std::move(payload));
    wake(at_once);
}

void PipeRecorder::wait_for_room(std::unique_lock<std::mutex>& lock) {
    const auto has_room = [&] { return waiting_bytes_ + points_.size() * sizeof(MetricEntry) < most_waiting_bytes; };
    if (!has_room()) sent_.wait(lock, has_room);
}

void PipeRecorder::add_frame(std::string header, std::string payload) {
    waiting_bytes_ += header.size() + payload.size();
    frames_.push_back(std::move(header));
    frames_.push_back(std::move(payload));
}

void PipeRecorder::close_metrics() {
    for (std::size_t at = 0; at < points_.size(); at += most_points_together) {
        const std::size_t bytes = std::min(most_points_together, points_.size() - at) * sizeof(MetricEntry);
        std::string payload(reinterpret_cast<const char*>(points_.data() + at), bytes);
        add_frame(frame_header(static_cast<std::uint8_t>(RecordType::metrics), bytes), std::move(payload));
    }
    points_.clear();
}

void PipeRecorder::close_progress() {
    if (progress_.empty()) return;
    std::string header = frame_header(static_cast<std::uint8_t>(RecordType::progress), progress_.size());
    add_frame(std::move(header), std::exchange(progress_, {}));
}

// Names are announced in frames_, which leave before points_: no need to keep the order among points.
std::uint32_t PipeRecorder::id_of(std::string_view name) {
    if (const auto known = names_.find(name); known != names_.end()) return known->second;
    const auto id = static_cast<std::uint32_t>(names_.size());
    names_.emplace(name, id);
    std::string payload;
    put(payload, id);
    payload += name;
    std::string header = frame_header(static_cast<std::uint8_t>(RecordType::name), payload.size());
    add_frame(std::move(header), std::move(payload));
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
        for (; !frames.empty(); frames.pop_front()) {
            write(frames.front());
            lock.lock();
            waiting_bytes_ -= frames.front().size();
            lock.unlock();
            sent_.notify_all();
        }
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
