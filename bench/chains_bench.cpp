// What one site update of a Markov chain on an energy costs in processor time, all threads together: plain heat-bath
// sweeps from one thread, and the sampler parallel-tempering with its swaps and its parallel rows.
//
//   chains_bench     prints one line for each
#include <cstdio>
#include <ctime>

#include <ATen/ATen.h>
#include <marginalia/heat_bath.h>
#include <marginalia/sampler.h>

#include "bench/timing.h"
#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_plugin.h"

using namespace marginalia;
using energy_plugin::Words;

namespace {

constexpr int repeats = 15;

double nanoseconds(double updates, const std::function<void()>& work) {
    std::vector<double> taken;
    for (int i = 0; i < repeats; ++i) {
        const std::clock_t start = std::clock();
        work();
        taken.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    return 1e9 * median(taken) / updates;
}

void print_sweeps(const char* title, const Energy& energy) {
    std::vector<std::uint8_t> x(static_cast<std::size_t>(energy.sites()));
    FastRandom random(1);
    const auto sweeps = 1 + 200000 / energy.sites();
    const double updates = static_cast<double>(sweeps * energy.sites());
    std::printf("%-48s %8.1f ns a site update\n", title, nanoseconds(updates, [&] {
                    for (std::int64_t i = 0; i < sweeps; ++i) heat_bath_sweep(energy, x, 1, random);
                }));
}

void print_tempering(const Energy& energy) {
    constexpr std::int64_t ensembles = 8, temperatures = 16, sweeps = 10;
    const Domain tiny = domain_of(tiny_domain());
    const at::Tensor logits = at::zeros({all_states(tiny).size(0)});
    const auto unused = make_table_network(tiny, logits, logits);
    at::Generator generator = make_generator(at::kCPU, 0, 0);
    const auto& plugin = energy_plugin::descriptor("parallel-tempering");
    const TrainingSetup setup{{energy.sites(), energy.categories(), energy.layout()}, ensembles, at::kCPU, &energy};
    const std::unique_ptr<Sampler> sampler(reinterpret_cast<SamplerFactory>(plugin.create)(
        energy_plugin::params_of(plugin, {{"sweeps", std::to_string(sweeps)}, {"burn_in", "0"}}), setup, generator));
    const double updates = ensembles * temperatures * sweeps * static_cast<double>(energy.sites());
    std::printf("%-48s %8.1f ns a site update\n", "parallel-tempering, 8 x 16 replicas of Ising 30x30",
                nanoseconds(updates, [&] { sampler->draw(*unused, generator); }));
}

}  // namespace

int main() {
    const Words thirty{{"rows", "30"}, {"columns", "30"}};
    const auto with = [&](Words more) { return more.insert(thirty.begin(), thirty.end()), more; };
    const auto ising = energy_plugin::make("ising", with({{"coupling", "0.44"}, {"field", "0"}}));
    print_sweeps("Ising 30x30", *ising);
    print_sweeps("Edwards-Anderson 30x30", *energy_plugin::make("edwards-anderson", thirty));
    print_sweeps("Potts 30x30, 3 states", *energy_plugin::make("potts", with({{"states", "3"}, {"coupling", "1"}})));
    print_sweeps("Potts 30x30, 10 states", *energy_plugin::make("potts", with({{"states", "10"}, {"coupling", "1"}})));
    print_tempering(*ising);
}
