// An energy that begins hot: what samplers and objectives see of it, and trainings that are stopped meanwhile.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "kernel/worker/model/cooling.h"
#include "tests/plugins/energy_enumeration.h"
#include "tests/worker/rows_file.h"
#include "tests/worker/stopped_trial.h"

namespace train_cooling {

using namespace marginalia;
using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;

namespace {

const energy_plugin::Words lattice{{"rows", "2"}, {"columns", "3"}, {"coupling", "0.6"}, {"field", "0.1"}};

TrainSettings settings_of(double from, std::int64_t steps) {
    TrainSettings settings;
    settings.steps = 1000;
    settings.anneal_from = from;
    settings.anneal_steps = steps;
    return settings;
}

const std::string chains = "[sampler]\nplugin = \"single-site-gibbs\"\n";
const std::string moved_by_the_model = "[sampler]\nplugin = \"replay\"\nbuffer = 40\nevery = 3\n";

std::string of_lattice(const std::string& sampler) {
    return "[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 3\ncoupling = 0.6\n" + sampler;
}

std::string experiment(const std::string& train, const std::string& objective = "mam-heat-bath",
                       const std::string& target = of_lattice(chains)) {
    return "name = \"t\"\n" + target + "[network]\nplugin = \"mlp\"\nhidden = 8\nlayers = 2\n[objective]\nplugin = \"" +
           objective +
           "\"\n[evaluation]\nsamples = 200\nnll_samples = 0\nmarginal_states = 0\n[train]\nbatch = 16\nlog_every = "
           "1\n" +
           train;
}

std::string failure(const std::string& toml) {
    try {
        MemoryRecorder recorder;
        run_trial(request_of(toml), shipped_plugins(), recorder);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

// The energy beside the network's passes too, as on a GPU.
template <class Work>
void on_host_and_device(const Work& work) {
    work();
    ::setenv("MARGINALIA_ENERGY_ON_DEVICE", "1", 1);
    work();
    ::unsetenv("MARGINALIA_ENERGY_ON_DEVICE");
}

}  // namespace

TEST_CASE("the annealed energy is f to the power b, its partial density fits it, and nothing known is as it was") {
    const auto energy = energy_plugin::make("ising", lattice);
    const auto there = device_energy(*energy, at::kCPU);
    Cooling cooling(settings_of(0.2, 100), *energy, there.get(), "ising", at::kCPU);
    const Energy& hot = cooling.energy();
    const Enumeration all(*energy);
    const double empty = *energy->partial_log_density(Bytes(6, 2));
    CHECK(empty != 0);
    for (const auto& [step, beta] : {std::pair{1, 0.2}, {51, 0.6}, {101, 1.0}, {900, 1.0}}) {
        cooling.go_to(step);
        CHECK(cooling.beta() == doctest::Approx(beta));
        CHECK(*hot.partial_log_density(Bytes(6, 2)) == doctest::Approx(empty));
        for (const std::size_t number : {0u, 5u, 37u}) {
            const Bytes x = all.state(number);
            const double expected = beta * all.log_f[number] + (1 - beta) * empty;
            CHECK(hot.log_density(x) == doctest::Approx(expected));
            CHECK(*hot.partial_log_density(x) == doctest::Approx(expected));
            const at::Tensor row = from_bytes({x, 6});
            CHECK(cooling.device_energy()->log_densities(row).item<double>() == doctest::Approx(expected));
            CHECK(cooling.batch_energy()->log_density(row).item<double>() == doctest::Approx(expected));
            std::vector<double> plain(2), scaled(2);
            energy->site_log_densities(x, 3, plain);
            hot.site_log_densities(x, 3, scaled);
            CHECK(scaled[1] - scaled[0] == doctest::Approx(beta * (plain[1] - plain[0])));
            if (beta == 1) CHECK(hot.log_density(x) == all.log_f[number]);  // to the bit
        }
    }
}

TEST_CASE("a trial's sampler draws from f to the power b (4 sigma), and its evaluation from f") {
    on_host_and_device([] {
        TrialRequest request = request_of(experiment("steps = 50\nanneal_from = 0.3\nanneal_steps = 50\n"));
        request.settings.train.batch = 4000;
        const TrialParts parts = build_trial(request, shipped_plugins());
        CHECK(parts.cooling->beta() == 1);
        parts.cooling->go_to(1);
        at::Generator generator = make_generator(at::kCPU, 3, 3);
        const Enumeration hot(6, 2, [&](State x) { return 0.3 * parts.energy->log_density(x); });
        const Enumeration cold(*parts.energy);
        const Bytes drawn = to_bytes(parts.sampler->draw(*parts.network, generator));
        CHECK(std::abs(energy_enumeration::chi_square_sigma(hot, drawn)) < 4);
        CHECK(energy_enumeration::chi_square_sigma(cold, drawn) > 20);
    });
}

TEST_CASE("b rises in a straight line with the step, and a training goes on bit for bit wherever it was stopped") {
    on_host_and_device([] {
        for (const auto& [objective, sampler] :
             {std::pair{"mam-heat-bath", chains}, {"mam-balance", chains}, {"mam-heat-bath", moved_by_the_model}}) {
            const TrialRequest request = request_of(
                experiment("steps = 24\nanneal_from = 0.2\nanneal_steps = 16\n", objective, of_lattice(sampler)));
            const MemoryRecorder whole = trained(request, {}), parts = trained(request, {5, 13});
            CHECK(whole.metrics == parts.metrics);
            CHECK(whole.checkpoints.back() == parts.checkpoints.back());
            CHECK(whole.metrics.at({"anneal", 1}) == 0.2);
            CHECK(whole.metrics.at({"anneal", 9}) == doctest::Approx(0.6));
            CHECK(whole.metrics.at({"anneal", 17}) == 1);
            CHECK(whole.metrics.at({"anneal", 24}) == 1);
        }
    });
    MemoryRecorder plain;
    run_trial(request_of(experiment("steps = 3\n")), shipped_plugins(), plain);
    CHECK(plain.metrics.count({"anneal", 1}) == 0);
}

TEST_CASE("what cannot be annealed is one sentence") {
    const std::string pair =
        "train.anneal_from and train.anneal_steps go together: where the energy begins, below 1, and "
        "in how many steps it comes to 1; set both or neither";
    CHECK(failure(experiment("steps = 5\nanneal_from = 0.5\n")) == pair);
    CHECK(failure(experiment("steps = 5\nanneal_steps = 5\n")) == pair);
    CHECK(failure(experiment("steps = 5\nanneal_from = 0.5\nanneal_steps = 6\n")) ==
          "train.anneal_steps = 6 would end the training of 5 steps before the energy is itself; give it fewer");
    const RowsFile rows;
    CHECK(failure(experiment("steps = 5\nanneal_from = 0.5\nanneal_steps = 5\n", "ao-arm",
                             "[dataset]\nplugin = \"table\"\nfile = \"" + rows.path() + "\"\ncategories = 2\n")) ==
          "train.anneal_from is for trials of an energy, and this one learns from a dataset");
}

}  // namespace train_cooling
