// What exact log-marginals of an Ising torus cost, by the number of known sites.
//
//   marginals_bench [WIDTH] [STATES]     a WIDTH x WIDTH torus (12), STATES random partial states (512) whose known
//   sites are 1, 2, ... in turn; prints processor seconds of one thread and the sum of all values, to compare builds by
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <random>

#include "tests/plugins/energy_plugin.h"

namespace {

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

energy_plugin::Bytes partial_state(std::size_t sites, std::size_t known, std::mt19937_64& random) {
    std::vector<std::size_t> order(sites);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random);
    energy_plugin::Bytes x(sites, 2);
    for (std::size_t i = 0; i < known; ++i) x[order[i]] = random() % 2;
    return x;
}

}  // namespace

int main(int count, char** words) {
    const std::string width = count > 1 ? words[1] : "12";
    const std::size_t states = count > 2 ? std::stoul(words[2]) : 512;
    const auto energy =
        energy_plugin::make("ising", {{"rows", width}, {"columns", width}, {"coupling", "0.44"}, {"field", "0.1"}});
    double start = processor_seconds();
    const auto log_z = energy->log_z();
    if (!log_z) return std::puts("no exact values at this width"), 2;
    std::printf("log Z %.9f in %.3f s\n", *log_z, processor_seconds() - start);
    const auto sites = static_cast<std::size_t>(energy->sites());
    std::mt19937_64 random(1);
    std::vector<double> seconds(sites);  // by known sites
    double sum = 0;
    for (std::size_t i = 0; i < states; ++i) {
        const std::size_t known = i % (sites - 1) + 1;
        const energy_plugin::Bytes x = partial_state(sites, known, random);
        double value = 0;
        start = processor_seconds();
        energy->log_marginals({x, sites}, {&value, 1});
        seconds[known] += processor_seconds() - start;
        sum += value;
    }
    for (std::size_t known = 1; known < sites; known *= 2) {
        const std::size_t end = std::min(2 * known, sites);
        std::printf("%3zu to %3zu known sites: %9.3f s\n", known, end - 1,
                    std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(known),
                                    seconds.begin() + static_cast<std::ptrdiff_t>(end), 0.0));
    }
    std::printf("all: %.3f s; sum of the values %.9f\n", std::accumulate(seconds.begin(), seconds.end(), 0.0), sum);
}
