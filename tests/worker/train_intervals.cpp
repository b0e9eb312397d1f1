// Probabilities of intervals by a model of a Gaussian table, against the error function.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "tests/worker/inference_fixture.h"

namespace train_intervals {

using namespace inference_fixture;

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// x = 10 + 2 u and y = 5 + 3 (0.8 u + 0.6 e), u and e standard normal.
std::string gaussian_table() {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("train_intervals_" + std::to_string(getpid()) + ".csv");
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    std::ofstream file(path);
    file << "x,y\n";
    for (int i = 0; i < 4000; ++i) {
        const double u = normal(random), e = normal(random);
        file << 10 + 2 * u << ',' << 5 + 3 * (0.8 * u + 0.6 * e) << '\n';
    }
    return path.string();
}

double normal_between(double low, double high, double mean, double deviation) {
    const auto below = [&](double value) { return 0.5 * std::erfc((mean - value) / deviation / std::sqrt(2.0)); };
    return below(high) - below(low);
}

InferenceRequest trained_on(const std::string& file) {
    InferenceRequest request;
    request.trial =
        request_of("name = \"t\"\n[dataset]\nplugin = \"table\"\ncolumns = \"auto\"\nfile = \"" + file +
                   "\"\n[network]\nplugin = \"mlp\"\nhidden = 32\nlayers = 2\ncomponents = 1\n[objective]\nplugin = "
                   "\"mam-joint\"\n"
                   "[train]\nsteps = 500\nbatch = 128\nlearning_rate = 5e-3\nema = 0.98\n"
                   "[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\nmarginal_time = false\n");
    MemoryRecorder recorder;
    run_whole_trial(request.trial, shipped_plugins(), recorder);
    request.trial.checkpoint = recorder.checkpoints.back().second;
    request.verb = InferenceRequest::Verb::marginals;
    request.states_are_text = true;
    request.output.format = StateFormat::json;
    return request;
}

}  // namespace

TEST_CASE("intervals, two-sided and one-sided, given nothing and the other column, are those of the error function") {
    const std::string file = gaussian_table();
    InferenceRequest request = trained_on(file);
    std::filesystem::remove(file);
    const auto log_p = [&](const std::string& row) {
        request.states = row;
        return lines(answer(request)).at(0).at("log_marginal").get<double>();
    };
    // 4,000 rows know a mean and a deviation to 0.016 of these, which moves a probability by at most 0.01.
    const double most = 0.03;
    CHECK(std::abs(std::exp(log_p("y=2..8")) - normal_between(2, 8, 5, 3)) < most);
    CHECK(std::abs(std::exp(log_p("x=..12")) - normal_between(-infinite, 12, 10, 2)) < most);
    for (const double x : {7.0, 10.0, 13.0}) {
        const double mean = 5 + 1.2 * (x - 10), deviation = 1.8;
        const std::string given = "x=" + std::to_string(x);
        const auto probability = [&](const std::string& set) {
            return std::exp(log_p(given + ", y=" + set) - log_p(given));
        };
        CHECK(std::abs(probability("4..7") - normal_between(4, 7, mean, deviation)) < most);
        CHECK(std::abs(probability("6..") - normal_between(6, infinite, mean, deviation)) < most);
    }
}

}  // namespace train_intervals
