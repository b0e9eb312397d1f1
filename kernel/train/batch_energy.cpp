#include "kernel/train/batch_energy.h"

#include <atomic>
#include <cmath>

#include <ATen/ATen.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_group.h>

namespace marginalia {

namespace {

using Range = oneapi::tbb::blocked_range<std::size_t>;

// Calls body(first, count) for pieces of 0..rows in parallel.
template <class Body>
void for_pieces(std::size_t rows, std::size_t grain, const Body& body) {
    oneapi::tbb::parallel_for(Range(0, rows, grain), [&](const Range& r) { body(r.begin(), r.size()); });
}

std::string shown(double value) { return std::isnan(value) ? "NaN" : "+infinity"; }

}  // namespace

struct ParallelEnergy::Running {
    std::vector<std::uint8_t> bytes;
    at::Tensor values;  // (B) float64 on the CPU
    at::Device device = at::kCPU;
    oneapi::tbb::task_group group;
    bool active = false;
};

ParallelEnergy::ParallelEnergy(const Energy& energy, std::string name)
    : energy_(energy), name_(std::move(name)), running_(std::make_unique<Running>()) {}

ParallelEnergy::~ParallelEnergy() {
    if (running_->active) running_->group.cancel(), running_->group.wait();
}

void ParallelEnergy::start(const at::Tensor& x) {
    running_->bytes = to_bytes(x);
    running_->device = x.device();
    running_->values = at::empty({x.size(0)}, at::kDouble);
    running_->active = true;
    if (x.device().is_cpu()) return;
    running_->group.run([this] {
        evaluate({running_->bytes, static_cast<std::size_t>(energy_.sites())},
                 {running_->values.data_ptr<double>(), static_cast<std::size_t>(running_->values.numel())});
    });
}

at::Tensor ParallelEnergy::finish() {
    if (!running_->active) throw Error("energy evaluation was finished but never started");
    running_->active = false;
    if (!running_->device.is_cpu()) {
        running_->group.wait();
        return running_->values.to(running_->device);
    }
    evaluate({running_->bytes, static_cast<std::size_t>(energy_.sites())},
             {running_->values.data_ptr<double>(), static_cast<std::size_t>(running_->values.numel())});
    return running_->values;
}

void ParallelEnergy::evaluate(States rows, std::span<double> out) const {
    try {
        for_pieces(rows.size(), 64, [&](std::size_t first, std::size_t count) {
            energy_.log_densities(rows.slice(first, count), out.subspan(first, count));
        });
    } catch (const std::exception& error) {
        throw Error("energy '" + name_ + "': " + error.what());
    }
    for (std::size_t row = 0; row < out.size(); ++row)
        if (std::isnan(out[row]) || out[row] == INFINITY)
            throw Error("energy '" + name_ + "': log_density returned " + shown(out[row]) + " for the state " +
                        energy_.text(rows[row]) + "; it must be finite or -infinity");
}

bool ParallelEnergy::log_marginals(States partial, std::span<double> out) const {
    std::atomic<bool> offered = true;
    try {
        for_pieces(partial.size(), 4, [&](std::size_t first, std::size_t count) {
            if (offered && !energy_.log_marginals(partial.slice(first, count), out.subspan(first, count))) offered = false;
        });
    } catch (const std::exception& error) {
        throw Error("energy '" + name_ + "': " + error.what());
    }
    return offered;
}

std::vector<std::uint8_t> to_bytes(const at::Tensor& x) {
    const at::Tensor bytes = x.to(at::kByte).cpu().contiguous();
    const auto* data = bytes.data_ptr<std::uint8_t>();
    return {data, data + bytes.numel()};
}

at::Tensor from_bytes(States rows) {
    at::Tensor bytes = at::empty({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.width)}, at::kByte);
    std::copy(rows.bytes.begin(), rows.bytes.end(), bytes.data_ptr<std::uint8_t>());
    return bytes.to(at::kLong);
}

}  // namespace marginalia
