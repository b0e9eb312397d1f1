// A question about a trained model with what answers it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

#include "kernel/worker/answer/completions.h"

namespace marginalia {

// Shows a waiting person how far a long answer is, on a line of stderr that is cleared again. One thread at a time.
class Waiting {
public:
    explicit Waiting(std::int64_t total) : total_(total) {}  // states; 0: not known
    ~Waiting() { clear(); }

    void tick();                      // after each pass of the network
    void drawn(std::int64_t states);  // clears the line
    void exact(std::int64_t done);    // so many exact log-marginals
    void clear();

private:
    using Clock = std::chrono::steady_clock;

    bool is_due();
    void show(const std::string& text);

    const std::int64_t total_;
    const bool watched_ = isatty(STDERR_FILENO);
    Clock::time_point last_ = Clock::now();
    std::int64_t passes_ = 0, done_ = 0;
    bool shown_ = false;
};

// What is asked and the model outlive it; so does `out`, where the answer goes. One thread.
struct Asked {
    const InferenceRequest& request;
    const TrainedModel& trained;
    at::Generator& generator;
    std::ostream& out;
    Completions completions{trained, request.batch};
    Waiting waiting{request.verb == InferenceRequest::Verb::complete ? 0 : request.count};
    Tick tick = [this] { waiting.tick(); };
};

}  // namespace marginalia
