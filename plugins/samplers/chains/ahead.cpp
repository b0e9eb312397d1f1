#include "ahead.h"

#include <ATen/ATen.h>
#include <marginalia/energy_states.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <exception>
#include <utility>

namespace chains {

// A draw that has begun, in an arena of its own: whoever waits for an energy meanwhile must not take up a piece of it.
struct SourceSampler::Next {
    void run(Source& source) {
        begun = true;
        report = source.report();
        arena.execute([&] {
            group.run([this, &source] {
                try {
                    state = source.state();
                    states = source.draw();
                } catch (...) {
                    error = std::current_exception();
                }
            });
        });
    }

    void wait() {
        arena.execute([this] { group.wait(); });
    }

    at::Tensor take() {
        wait();
        begun = false;
        if (error) std::rethrow_exception(std::exchange(error, nullptr));
        return std::exchange(states, {});
    }

    void drop() {
        group.cancel();
        wait();
        begun = false;
        error = nullptr;
    }

    bool begun = false;
    std::string report;  // of the source before the draw
    marginalia::StateDict state;
    at::Tensor states;
    std::exception_ptr error;
    oneapi::tbb::task_arena arena;
    oneapi::tbb::task_group group;
};

SourceSampler::SourceSampler(std::unique_ptr<Source> source, const at::Device& device, bool ahead)
    : source_(std::move(source)), device_(device), ahead_(ahead), next_(std::make_unique<Next>()) {}

SourceSampler::~SourceSampler() {
    if (next_->begun) next_->drop();
}

at::Tensor SourceSampler::draw(const marginalia::Network&, at::Generator&) {
    const at::Tensor drawn = next_->begun ? next_->take() : source_->draw();
    if (ahead_) next_->run(*source_);
    return marginalia::to_device_states(drawn, device_);
}

std::string SourceSampler::report() const { return next_->begun ? next_->report : source_->report(); }

marginalia::StateDict SourceSampler::state() const {
    if (!next_->begun) return source_->state();
    next_->wait();
    return next_->state;
}

void SourceSampler::load(const marginalia::StateDict& state) {
    if (next_->begun) next_->drop();
    source_->load(state);
}

}  // namespace chains
