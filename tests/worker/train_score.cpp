#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <marginalia/network.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/worker/answer/score.h"
#include "kernel/worker/model/sampling.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/states/state_source.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

const char* const small = R"(
name = "small"
[energy]
plugin = "ising"
rows = 2
columns = 3
[network]
plugin = "mlp"
hidden = 16
layers = 2
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
)";

const auto always = [](std::int64_t, std::int64_t) { return true; };

// A model whose conditionals are not all alike.
TrialParts shaken_model() {
    TrialParts parts = build_model(request_of(small), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 5, 5);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(0.3 * at::randn(weights.sizes(), generator));
    return parts;
}

std::string written(const std::string& name, const std::string& text) {
    const std::string path = (std::filesystem::temp_directory_path() / ("train_score_" + name)).string();
    std::ofstream(path) << text;
    return path;
}

std::string failure(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string scored(const std::string& states, StateFormat format = StateFormat::csv) {
    InferenceRequest request;
    request.trial = request_of(small);
    request.states = states;
    request.output.format = format;
    std::ostringstream out;
    score(request, shipped_plugins(), out);
    return out.str();
}

}  // namespace

TEST_CASE("the density of a partial state is that of its known sites alone") {
    const TrialParts parts = shaken_model();
    const at::NoGradGuard no_grad;
    at::Generator generator = make_generator(at::kCPU, 1, 1);
    const auto model = any_order_model(*parts.network);
    const auto density = [&](std::vector<std::int64_t> row) {
        return log_densities(*model, at::tensor(row).unsqueeze(0), 8, generator, always).item<double>();
    };
    const at::Tensor nothing = at::full({1, 6}, 2, at::kLong);
    const at::Tensor at_nothing = parts.network->conditional_logits(nothing).log_softmax(2, at::kDouble)[0];

    CHECK(density({2, 2, 2, 2, 2, 2}) == 0);
    CHECK(density({2, 2, 1, 2, 2, 2}) == doctest::Approx(at_nothing[2][1].item<double>()).epsilon(1e-6));

    // Two known sites: one of the two orders.
    const auto chain = [&](std::int64_t first, std::int64_t second) {
        at::Tensor x = nothing.clone();
        x[0][first] = 1;
        const at::Tensor then = parts.network->conditional_logits(x).log_softmax(2, at::kDouble)[0];
        return at_nothing[first][1].item<double>() + then[second][1].item<double>();
    };
    const double one = chain(0, 4), other = chain(4, 0);
    REQUIRE(std::abs(one - other) > 1e-3);
    int of_one = 0, of_other = 0;
    for (int i = 0; i < 64; ++i) {
        const double value = density({1, 2, 2, 2, 1, 2});
        of_one += std::abs(value - one) < 1e-5;
        of_other += std::abs(value - other) < 1e-5;
    }
    CHECK(of_one + of_other == 64);
    CHECK(of_one > 12);  // of 64 fair coins, 5 sigma
    CHECK(of_other > 12);
}

TEST_CASE("rows of one batch may know different numbers of sites") {
    const TrialParts parts = shaken_model();
    const at::Tensor x = at::tensor({1, 2, 2, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}).view({3, 6}).to(at::kLong);
    at::Generator generator = make_generator(at::kCPU, 1, 1);
    const at::Tensor together = log_densities(*any_order_model(*parts.network), x, 8, generator, always);
    CHECK(together.slice(0, 0, 2).exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-6));
    CHECK(together[2].item<double>() == 0);
}

TEST_CASE("an energy's score: log f and observables, a row a state") {
    // 2x3 torus, coupling = field = 0.2: 9 edges (two rows are joined once).
    CHECK(scored(written("up.txt", "+++/+++\n\n---/---\n")) ==
          "row,log_f,magnetisation,energy_per_site,neighbour_correlation,absolute_magnetisation\n0,3,1,-0.5,1,1\n1,0."
          "5999999999999999,-1,-0.09999999999999998,1,1\n");
    CHECK(scored(written("up.txt", "+++/+++\n"), StateFormat::json) ==
          "{\"row\": 0, \"text\": \"+++/+++\", \"log_f\": 3, \"magnetisation\": 1, \"energy_per_site\": -0.5, "
          "\"neighbour_correlation\": 1, \"absolute_magnetisation\": 1}\n");
    const std::string array = scored(written("up.txt", "+++/+++\n---/---\n"), StateFormat::npy);
    CHECK(array.find("'<f8', 'fortran_order': False, 'shape': (2, 5)") != std::string::npos);
    REQUIRE(array.size() == 128 + 2 * 5 * sizeof(double));
    double magnetisation = 0;
    std::memcpy(&magnetisation, array.data() + 128 + 6 * sizeof(double), sizeof magnetisation);
    CHECK(magnetisation == -1);
    const std::string none = written("none.txt", "");
    CHECK(failure([&] { scored(none); }) == none + " holds no states; give at least one");
}

TEST_CASE("states that do not fit are refused with their place") {
    const std::string bad = written("bad.txt", "+++/+++\n+++/++x\n");
    CHECK(failure([&] { scored(bad); }) == bad + ":2: symbol 6 is 'x'; it must be - +, or □ or _ (unknown)");
    const std::string few = written("few.txt", "+++\n");
    CHECK(failure([&] { scored(few); }) == few + ":1: it has 3 symbols where a state has 6 sites");
    CHECK(failure([&] { scored(written("partial.txt", "+++/+++\n+_+/+++\n")); }) ==
          "row 1 has unknown sites; an energy takes full states (a trained model takes partial ones)");
    CHECK(failure([&] { scored("no-such-file"); }) ==
          "the states no-such-file cannot be read: No such file or directory; give a text file, a .npy file, or - for "
          "standard input");
}

TEST_CASE("a .npy file of states") {
    // What numpy.save writes for int8, shape (2, 3).
    std::string header = "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }";
    header.resize(117, ' ');
    header += '\n';
    const std::string bytes =
        std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + std::string("\x00\x01\x02\xff\x01\x00", 6);
    const std::string path = written("states.npy", bytes);
    StateSource source(path, 3, 2, {});
    CHECK(source.next(1) == std::vector<std::uint8_t>{0, 1, 2});
    CHECK(source.next(5) == std::vector<std::uint8_t>{2, 1, 0});
    CHECK(source.next(5).empty());
    CHECK(failure([&] { StateSource(path, 4, 2, {}); }) ==
          path + ": the array does not hold rows of 4 sites; give shape (N, 4)");
    const std::string big = written("big.npy", bytes.substr(0, bytes.size() - 1) + '\x07');
    CHECK(failure([&] { StateSource(big, 3, 2, {}).next(2); }) ==
          big + ": row 1, site 2 is 7; symbols are 0 to 1, and 2 or -1 for unknown");
}
