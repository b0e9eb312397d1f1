#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>

#include "tests/plugins/energy_enumeration.h"

namespace rbm_energy {

using energy_enumeration::Bytes;
using energy_plugin::make;
using energy_plugin::refusal;

namespace {

const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/rbm/example_";

// Writes an array as numpy.save does.
std::string saved(const std::string& name, const std::vector<std::size_t>& shape, const std::vector<double>& values) {
    std::string axes;
    for (const std::size_t extent : shape) axes += std::to_string(extent) + ",";
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + axes + "), }";
    header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');
    header += '\n';
    const auto path = std::filesystem::temp_directory_path() / ("marginalia_rbm_" + name + ".npy");
    std::ofstream file(path, std::ios::binary);
    const auto length = static_cast<std::uint16_t>(header.size());
    file.write("\x93NUMPY\x01\x00", 8).write(reinterpret_cast<const char*>(&length), 2) << header;
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(double)));
    return path.string();
}

std::vector<double> normals(std::size_t count, double scale, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal(0, scale);
    std::vector<double> values(count);
    for (double& value : values) value = normal(engine);
    return values;
}

std::unique_ptr<const marginalia::Energy> random_machine(const std::string& name, std::size_t hidden,
                                                         std::size_t visible, double scale) {
    return make("rbm", {{"weights", saved(name + "_w", {hidden, visible}, normals(hidden * visible, scale, 1))},
                        {"visible_bias", saved(name + "_b", {visible}, normals(visible, scale, 2))},
                        {"hidden_bias", saved(name + "_c", {hidden}, normals(hidden, scale, 3))}});
}

}  // namespace

TEST_CASE("zero weights: log f = H log 2 everywhere, log Z = (D + H) log 2, any marginal a power of 1/2") {
    const auto energy = make("rbm", {{"weights", saved("zero", {3, 50}, std::vector<double>(150, 0.0))}});
    CHECK(energy->log_density(Bytes(50, 1)) == doctest::Approx(3 * std::numbers::ln2));
    CHECK(*energy->log_z() == doctest::Approx(53 * std::numbers::ln2).epsilon(1e-14));
    Bytes x(50, 2);
    x[0] = x[7] = 1, x[20] = 0;
    double log_p = 0;
    REQUIRE(energy->log_marginals({x, 50}, {&log_p, 1}));
    CHECK(log_p == doctest::Approx(-3 * std::numbers::ln2).epsilon(1e-12));
    CHECK(!energy->entropy().has_value());
}

TEST_CASE("without couplings units are independent: log Z = sum log(1 + e^b) + sum log(1 + e^c)") {
    const auto b = normals(30, 2, 4), c = normals(5, 2, 5);
    const auto energy = make("rbm", {{"weights", saved("free", {5, 30}, std::vector<double>(150, 0.0))},
                                     {"visible_bias", saved("free_b", {30}, b)},
                                     {"hidden_bias", saved("free_c", {5}, c)}});
    double right = 0;
    for (const double bias : b) right += std::log1p(std::exp(bias));
    for (const double bias : c) right += std::log1p(std::exp(bias));
    CHECK(*energy->log_z() == doctest::Approx(right).epsilon(1e-13));
}

TEST_CASE("log f is the sum over the hidden units' states") {
    const std::vector<double> w = normals(12, 1, 6), b = normals(4, 1, 7), c = normals(3, 1, 8);
    const auto energy = make("rbm", {{"weights", saved("small", {3, 4}, w)},
                                     {"visible_bias", saved("small_b", {4}, b)},
                                     {"hidden_bias", saved("small_c", {3}, c)}});
    const Bytes v = {1, 0, 1, 1};
    double f = 0;
    for (int h = 0; h < 8; ++h) {
        double exponent = b[0] + b[2] + b[3];
        for (int j = 0; j < 3; ++j)
            if (h >> j & 1) exponent += c[j] + w[j * 4] + w[j * 4 + 2] + w[j * 4 + 3];
        f += std::exp(exponent);
    }
    CHECK(energy->log_density(v) == doctest::Approx(std::log(f)).epsilon(1e-13));
}

TEST_CASE("machines with more visible or more hidden units equal enumeration") {
    energy_enumeration::check_exact(*random_machine("wide", 3, 9, 0.8));
    energy_enumeration::check_exact(*random_machine("tall", 30, 8, 0.3));
    energy_enumeration::check_exact(*make("rbm", {{"weights", folder + "weights.npy"},
                                                  {"visible_bias", folder + "visible_bias.npy"},
                                                  {"hidden_bias", folder + "hidden_bias.npy"}}));
}

TEST_CASE("strong weights stay within a double's range") {
    const auto energy = random_machine("strong", 10, 10, 300);
    const energy_enumeration::Enumeration all(*energy);
    CHECK(*energy->log_z() == doctest::Approx(all.log_z()).epsilon(1e-12));
}

TEST_CASE("the partial density is log f of full states and never above the sum over the unknown units") {
    const auto energy = random_machine("partial", 6, 9, 1);
    const energy_enumeration::Enumeration all(*energy);
    std::mt19937_64 random(1);
    for (int trial = 0; trial < 50; ++trial) {
        const Bytes x = energy_enumeration::partial_state(9, 2, random);
        CHECK(*energy->partial_log_density(x) <= all.log_sum(x) + 1e-12);
    }
    const Bytes full = {0, 1, 1, 0, 1, 0, 0, 1, 1};
    CHECK(*energy->partial_log_density(full) == energy->log_density(full));
}

TEST_CASE("samples of 784 visible and 12 hidden units have the exact marginals (4 sigma)") {
    const auto energy = random_machine("digits", 12, 784, 0.1);
    const auto start = std::chrono::steady_clock::now();
    CHECK(energy->log_z().has_value());
    std::cout << "784 visible, 12 hidden units: log Z "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s\n";
    const auto samples = energy->reference_samples(4000, 3);
    REQUIRE(samples.has_value());
    for (const std::size_t unit : {0u, 100u, 783u}) {
        Bytes x(784, 2);
        x[unit] = 1;
        double log_p = 0, seen = 0;
        REQUIRE(energy->log_marginals({x, 784}, {&log_p, 1}));
        for (std::size_t row = 0; row < 4000; ++row) seen += samples->rows[row * 784 + unit];
        const double p = std::exp(log_p);
        CHECK(std::abs(seen / 4000 - p) < 4 * std::sqrt(p * (1 - p) / 4000));
    }
}

TEST_CASE("what is too large is not offered") {
    const auto energy = random_machine("large", 30, 40, 0.1);
    CHECK(!energy->log_z().has_value());
    CHECK(!energy->reference_samples(1, 0).has_value());
    double value = 0;
    const Bytes x(40, 2);
    CHECK(!energy->log_marginals({x, 40}, {&value, 1}));
}

TEST_CASE("observables are shares of units that are on") {
    const auto energy = make("rbm", {{"weights", saved("shares", {2, 4}, std::vector<double>(8, 0.0))}});
    std::vector<double> values(2);
    energy->observe(Bytes{1, 0, 0, 0}, values);
    CHECK(values == std::vector<double>{0.25, 0.5});
}

TEST_CASE("files that do not fit one another are refused by name") {
    const std::string w = saved("two", {2, 3}, {1, 2, 3, 4, 5, 6}), b = saved("bias", {2}, {1, 2});
    CHECK(refusal("rbm", {{"weights", b}}) ==
          b + ": the couplings have 1 axes or are empty; their shape is (hidden units, visible units)");
    CHECK(refusal("rbm", {{"weights", w}, {"visible_bias", b}}) ==
          b + ": a bias of the 3 visible units needs the shape (3), as the couplings have it");
    CHECK(refusal("rbm", {{"weights", w}, {"hidden_bias", w}}) ==
          w + ": a bias of the 2 hidden units needs the shape (2), as the couplings have it");
    const std::string nan = saved("nan", {1, 2}, {0, std::nan("")});
    CHECK(refusal("rbm", {{"weights", nan}}) == nan + ": element 1 is not finite; weights must be");
    CHECK(refusal("rbm", {{"weights", "/no/such.npy"}}) ==
          "/no/such.npy: cannot be read: No such file or directory; give the path of a readable file");
}

}  // namespace rbm_energy
