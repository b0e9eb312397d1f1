#include "kernel/worker/model/batch_energy.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/host.h>
#include <marginalia/real_sites.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>

namespace marginalia {

namespace {

using Range = oneapi::tbb::blocked_range<std::size_t>;

// Calls body(first, count) for pieces of at most `grain` rows in parallel; `grain` 0: for all of them from this thread.
// Each task goes through many pieces: one is far shorter than what a task costs.
template <class Body>
void for_pieces(std::size_t rows, std::size_t grain, const Body& body) {
    if (grain == 0 || rows <= grain) return body(std::size_t{0}, rows);
    oneapi::tbb::parallel_for(Range(0, rows, grain), [&](const Range& range) {
        for (std::size_t first = range.begin(); first < range.end(); first += grain)
            body(first, std::min(grain, range.end() - first));
    });
}

std::string shown(double value) { return std::isnan(value) ? "NaN" : "+infinity"; }

bool is_log_density(double value) { return value < INFINITY; }  // false for NaN too

std::string numbers_text(Reals v) {
    std::string text;
    for (const double value : v) text += fmt::format("{}{:.6g}", text.empty() ? "(" : ", ", value);
    return text + ")";
}

std::span<double> span_of(const at::Tensor& values) {
    return {values.data_ptr<double>(), static_cast<std::size_t>(values.numel())};
}

}  // namespace

struct ParallelEnergy::Running {
    HostCopy states;    // (B, D) int64 of states on the CPU and of sites that differ, else bytes
    at::Tensor values;  // (B) float64 on the CPU
    at::Device device = at::kCPU;
    oneapi::tbb::task_group group;
    bool active = false;
};

ParallelEnergy::ParallelEnergy(const Energy& energy, std::string name)
    : energy_(energy), name_(std::move(name)), mixed_(!energy.site_list().empty()),
      running_(std::make_unique<Running>()) {}

ParallelEnergy::~ParallelEnergy() {
    if (running_->active) running_->group.cancel(), running_->group.wait();
}

void ParallelEnergy::start(const at::Tensor& x) {
    running_->states = HostCopy(x.is_cpu() || mixed_ ? x : x.to(at::kByte));
    running_->device = x.device();
    running_->values = at::empty({x.size(0)}, at::kDouble);
    running_->active = true;
    if (x.device().is_cpu()) return;
    running_->group.run([this] { evaluate_into(running_->states.wait(), span_of(running_->values)); });
}

at::Tensor ParallelEnergy::finish() {
    if (!running_->active) throw Error("energy evaluation was finished but never started");
    running_->active = false;
    if (running_->device.is_cpu()) evaluate_into(running_->states.wait(), span_of(running_->values));
    else running_->group.wait();
    const double* values = running_->values.const_data_ptr<double>();
    impossible_ = std::count(values, values + running_->values.numel(), -INFINITY);
    return to_device(running_->values, running_->device);
}

void ParallelEnergy::evaluate_into(const at::Tensor& x, std::span<double> out) const {
    if (x.scalar_type() == at::kByte) return evaluate(states_of(x), out);
    if (mixed_)
        return in_pieces(out.size(), [&](std::size_t first, std::size_t count) {
            const auto row = static_cast<std::int64_t>(first);
            const SplitStates split = split_states(x.slice(0, row, row + static_cast<std::int64_t>(count)));
            evaluate_piece(split.rows(), split.reals, out.subspan(first, count));
        });
    const auto* symbols = x.const_data_ptr<std::int64_t>();
    const auto width = static_cast<std::size_t>(energy_.sites());
    in_pieces(out.size(), [&](std::size_t first, std::size_t count) {
        // Each piece becomes bytes where it is evaluated: the batch is read once, and its bytes stay in the cache.
        const auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(count * width);
        std::copy_n(symbols + first * width, count * width, bytes.get());
        evaluate_piece({{bytes.get(), count * width}, width}, {}, out.subspan(first, count));
    });
}

at::Tensor ParallelEnergy::evaluate(const at::Tensor& x) const {
    const at::Tensor values = at::empty({x.size(0)}, at::kDouble);
    evaluate_into(x.contiguous(), span_of(values));
    return values;
}

void ParallelEnergy::evaluate(States rows, std::span<double> out) const {
    in_pieces(rows.size(), [&](std::size_t first, std::size_t count) {
        evaluate_piece(rows.slice(first, count), {}, out.subspan(first, count));
    });
}

void ParallelEnergy::in_pieces(std::size_t rows, const std::function<void(std::size_t, std::size_t)>& piece) const {
    try {
        for_pieces(rows, energy_.rows_per_call(), piece);
    } catch (const std::exception& error) {
        throw Error("energy '" + name_ + "': " + error.what());
    }
}

void ParallelEnergy::evaluate_piece(States rows, std::span<const double> reals, std::span<double> out) const {
    if (mixed_) energy_.mixed_log_densities(rows, reals, out);
    else energy_.log_densities(rows, out);
    if (std::all_of(out.begin(), out.end(), is_log_density)) return;
    const auto row = static_cast<std::size_t>(std::find_if_not(out.begin(), out.end(), is_log_density) - out.begin());
    throw Error("log_density returned " + shown(out[row]) + " for the state " +
                (mixed_ ? numbers_text(reals.subspan(row * rows.width, rows.width)) : energy_.text(rows[row])) +
                "; it must be finite or -infinity");
}

bool ParallelEnergy::log_marginals(const at::Tensor& x, std::span<double> out, const AfterRow& after_row) const {
    const SplitStates partial = split_states(x);
    std::fill(out.begin(), out.end(), NAN);
    std::atomic<bool> offered = true, going_on = true;
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::int64_t done = 0;
    const auto answer = [&](std::size_t row) {
        const States one = partial.rows().slice(row, 1);
        const auto reals = std::span(partial.reals).subspan(row * partial.width, partial.width);
        return mixed_ ? energy_.mixed_log_marginals(one, reals, out.subspan(row, 1))
                      : energy_.log_marginals(one, out.subspan(row, 1));
    };
    const auto work = [&](int) {
        for (std::size_t row = next++; row < out.size() && offered && going_on; row = next++) {
            const auto start = std::chrono::steady_clock::now();
            if (!answer(row)) offered = false;
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
            const std::lock_guard lock(mutex);
            if (!after_row(++done, taken.count())) going_on = false;
        }
    };
    try {
        oneapi::tbb::parallel_for(0, oneapi::tbb::this_task_arena::max_concurrency(), work);
    } catch (const std::exception& error) {
        throw Error("energy '" + name_ + "': " + error.what());
    }
    return offered;
}

}  // namespace marginalia
