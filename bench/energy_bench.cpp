// What the host adds to an energy: a batch of states through BatchEnergy against the same loop written by hand with
// oneTBB.
//
//   energy_bench [ROWS] [SITES]     prints one line for one thread and one for all; exit code 1 where it adds 5 % or
//   more
#include <ATen/ATen.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <thread>

#include "bench/timing.h"
#include "kernel/worker/model/batch_energy.h"

using namespace marginalia;

namespace {

constexpr double target = 1.05;
constexpr int repeats = 401;

// Spins on a ring with a field, an energy as cheap as any: what the host adds shows most.
double ring_log_density(const std::uint8_t* x, std::size_t sites) {
    int aligned = x[0] == x[sites - 1], up = x[0];
    for (std::size_t i = 1; i < sites; ++i) aligned += x[i] == x[i - 1], up += x[i];
    return 0.4 * (2 * aligned - static_cast<int>(sites)) + 0.2 * (2 * up - static_cast<int>(sites));
}

struct Ring final : Energy {
    explicit Ring(std::int64_t sites) : Energy(sites, 2) {}
    double log_density(State x) const override { return ring_log_density(x.data(), x.size()); }
};

// The least a program of one purpose would do with the trial's tensor: a row's symbols to bytes, its energy.
at::Tensor by_hand(const at::Tensor& x) {
    using Range = oneapi::tbb::blocked_range<std::int64_t>;
    const std::int64_t sites = x.size(1);
    at::Tensor values = at::empty({x.size(0)}, at::kDouble);
    const auto* symbols = x.const_data_ptr<std::int64_t>();
    double* out = values.data_ptr<double>();
    oneapi::tbb::parallel_for(Range(0, x.size(0), 64), [&](const Range& rows) {
        std::vector<std::uint8_t> row(static_cast<std::size_t>(sites));
        for (std::int64_t r = rows.begin(); r < rows.end(); ++r) {
            std::copy_n(symbols + r * sites, sites, row.begin());
            out[r] = ring_log_density(row.data(), row.size());
        }
    });
    return values;
}

// The two take turns, so that both see the same machine.
bool compare(const at::Tensor& x, int threads) {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                            static_cast<std::size_t>(threads));
    const Ring ring(x.size(1));
    ParallelEnergy host(ring, "ring");
    if (!at::equal(host.log_density(x), by_hand(x))) {
        std::printf("the host and the loop by hand disagree\n");
        return false;
    }
    std::vector<double> with_host, alone;
    for (int i = 0; i < repeats; ++i) {
        with_host.push_back(seconds([&] { host.log_density(x); }));
        alone.push_back(seconds([&] { by_hand(x); }));
    }
    const double ratio = median(with_host) / median(alone);
    std::printf(
        "%lld states of %lld sites, %d thread%s: host %.1f us, by hand %.1f us, ratio %.3f (target below %.2f) %s\n",
        static_cast<long long>(x.size(0)), static_cast<long long>(x.size(1)), threads, threads == 1 ? "" : "s",
        1e6 * median(with_host), 1e6 * median(alone), ratio, target, ratio < target ? "ok" : "MISSED");
    return ratio < target;
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t rows = argc > 1 ? std::stoll(argv[1]) : 4096, sites = argc > 2 ? std::stoll(argv[2]) : 100;
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU).clone();
    generator.set_current_seed(1);
    const at::Tensor x = at::randint(2, {rows, sites}, generator, at::kLong);
    bool good = true;
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    good &= compare(x, 1);
    if (cores > 1) good &= compare(x, cores);
    return good ? 0 : 1;
}
