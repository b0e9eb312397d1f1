// Energies of real numbers, and the same targets in Gray code.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/plugins/energy_plugin.h"

namespace real_energies {

using namespace marginalia;
using energy_plugin::make;
using energy_plugin::refusal;

namespace {

using Numbers = std::vector<double>;

// log f of numbers in the energy's own units, less the log of what a unit is in those of its sites.
double log_f(const Energy& energy, const Numbers& y) {
    const std::vector<Site> sites = energy.site_list();
    Numbers v;
    double log_scale = 0, value = 0;
    for (std::size_t d = 0; d < y.size(); ++d) {
        v.push_back((y[d] - sites[d].centre) / sites[d].scale);
        log_scale += std::log(sites[d].scale);
    }
    const std::vector<std::uint8_t> symbols(y.size(), 0);
    energy.mixed_log_densities({symbols, y.size()}, v, {&value, 1});
    return value - log_scale;
}

// log p* of the numbers that are not NaN, in the energy's own units.
double log_marginal(const Energy& energy, const Numbers& y) {
    const std::vector<Site> sites = energy.site_list();
    Numbers v(y.size(), 0.0);
    std::vector<std::uint8_t> symbols(y.size(), 2);
    double log_scale = 0, value = 0;
    for (std::size_t d = 0; d < y.size(); ++d) {
        if (std::isnan(y[d])) continue;
        symbols[d] = 0;
        v[d] = (y[d] - sites[d].centre) / sites[d].scale;
        log_scale += std::log(sites[d].scale);
    }
    REQUIRE(energy.mixed_log_marginals({symbols, y.size()}, v, {&value, 1}));
    return value - log_scale;
}

double log_normal(double y, double mean, double deviation) {
    return -0.5 * std::pow((y - mean) / deviation, 2) - std::log(deviation) - 0.5 * std::log(2 * std::numbers::pi);
}

constexpr double softplus_of_1 = 1.313261687518223;

}  // namespace

TEST_CASE("many wells: log Z is the published one, and a plane's log f at known places") {
    const auto energy = make("many-well", {{"dimensions", "32"}});
    CHECK(*energy->log_z() == doctest::Approx(164.69567532).epsilon(1e-9));
    CHECK(energy->sites() == 32);
    const auto plane = make("many-well", {{"dimensions", "2"}});
    CHECK(log_f(*plane, {0, 0}) == doctest::Approx(0));
    CHECK(log_f(*plane, {1, 2}) == doctest::Approx(-1 + 6 + 0.5 - 2));
    const double nan = std::nan("");
    CHECK(log_marginal(*plane, {nan, 0.7}) == doctest::Approx(log_normal(0.7, 0, 1)));
    CHECK(log_marginal(*plane, {1.5, 0.7}) == doctest::Approx(log_f(*plane, {1.5, 0.7}) - *plane->log_z()));
    CHECK(refusal("many-well", {{"dimensions", "3"}}).find("give an even number") != std::string::npos);
}

TEST_CASE("many wells: independent states have the wells' weights and moments (4 sigma)") {
    const auto energy = make("many-well", {{"dimensions", "2"}});
    constexpr std::size_t count = 20000;
    const auto samples = energy->reference_samples(count, 3);
    REQUIRE(samples->exact);
    const double nan = std::nan("");
    double right_mass = 0;
    for (double y = 0; y < 3.5; y += 1e-3) right_mass += 1e-3 * std::exp(log_marginal(*energy, {y + 5e-4, nan}));
    double above = 0, square = 0;
    const Site site = energy->site_list()[0];
    for (std::size_t row = 0; row < count; ++row) {
        above += site.centre + site.scale * samples->reals[2 * row] > 0;
        square += samples->reals[2 * row + 1] * samples->reals[2 * row + 1];
    }
    CHECK(std::abs(above / count - right_mass) < 4 * std::sqrt(right_mass * (1 - right_mass) / count));
    CHECK(std::abs(square / count - 1) < 4 * std::sqrt(2.0 / count));
}

TEST_CASE("the 40 modes lie where PyTorch's generator puts them") {
    // (torch.rand(40, 2) - 0.5) * 80 after torch.manual_seed(0): the first is (-0.2995, 21.4577), the last (3.6797,
    // -25.0242).
    const auto energy = make("gaussian-mixture");
    const double height = std::log(1.0 / 40) - 2 * std::log(softplus_of_1) - std::log(2 * std::numbers::pi);
    CHECK(log_f(*energy, {-0.2995, 21.4577}) == doctest::Approx(height).epsilon(1e-4));
    CHECK(log_f(*energy, {3.6797, -25.0242}) == doctest::Approx(height).epsilon(1e-3));  // another lies near it
    const auto wide = make("gaussian-mixture", {{"dimensions", "32"}});
    const auto samples = wide->reference_samples(4000, 1);
    double sum = 0, square = 0;  // scaled to mean 0 and variance 1
    for (const double v : samples->reals) sum += v, square += v * v;
    const auto count = static_cast<double>(samples->reals.size());
    CHECK(std::abs(sum / count) < 0.02);
    CHECK(square / count == doctest::Approx(1).epsilon(0.02));
    CHECK(*wide->log_z() == 0);
}

TEST_CASE("a single normal density of correlated numbers: its marginals, conditionals and samples agree") {
    const auto energy = make("gaussian-mixture", {{"dimensions", "3"},
                                                  {"modes", "1"},
                                                  {"spread", "0"},
                                                  {"deviation", "1"},
                                                  {"covariance", "random"},
                                                  {"seed", "5"}});
    const double nan = std::nan("");
    const std::vector<Site> sites = energy->site_list();
    for (std::size_t d = 0; d < 3; ++d) {
        Numbers y(3, nan);
        y[d] = 0.4;
        CHECK(log_marginal(*energy, y) == doctest::Approx(log_normal(0.4, 0, sites[d].scale)));
    }
    CHECK(log_marginal(*energy, {nan, nan, nan}) == doctest::Approx(0));
    CHECK(log_marginal(*energy, {0.1, 0.2, 0.3}) == doctest::Approx(log_f(*energy, {0.1, 0.2, 0.3})));
    // Of two numbers scaled to variance 1, log p(0, 0) = -log(2π) - log(1 - ρ²) / 2, ρ being the samples' correlation.
    constexpr std::size_t count = 40000;
    const auto samples = energy->reference_samples(count, 2);
    double product = 0;
    for (std::size_t row = 0; row < count; ++row) product += samples->reals[3 * row] * samples->reals[3 * row + 1];
    const double rho = product / count;
    const double log_p = log_marginal(*energy, {0, 0, nan}) + std::log(sites[0].scale * sites[1].scale);
    const double from_density = std::sqrt(1 - std::exp(-2 * (log_p + std::log(2 * std::numbers::pi))));
    CHECK(std::abs(std::abs(rho) - from_density) < 4 * std::sqrt(2.0 / count));
    CHECK(refusal("gaussian-mixture", {{"covariance", "\"random\""}, {"encoding", "\"gray\""}})
              .find("set covariance = \"round\"") != std::string::npos);
}

TEST_CASE("Gray bits are the same target: masses of cells, log Z, marginals and points") {
    const auto energy = make("gaussian-mixture", {{"encoding", "\"gray\""}, {"bits", "8"}});
    REQUIRE(energy->sites() == 16);
    CHECK(std::abs(*energy->log_z()) < 1e-6);
    const auto real = make("gaussian-mixture");
    const auto samples = energy->reference_samples(50, 1);
    double area = 0;
    for (std::size_t row = 0; row < 50; ++row) {
        const State x = std::span(samples->rows).subspan(16 * row, 16);
        const std::vector<double> y = energy->point(x, {});
        // Cells of one size: log f differs from the density's by the log of it.
        const double log_area = energy->log_density(x) - log_f(*real, y);
        if (row == 0) area = log_area;
        CHECK(log_area == doctest::Approx(area).epsilon(1e-9));
    }
    // Neighbouring cells differ by one bit: the first bit of each number alone says on which side of the middle it is.
    std::vector<std::uint8_t> low(16, 2), x(16, 0);
    low[0] = 0;
    double half = 0, rest = 0;
    REQUIRE(energy->log_marginals({low, 16}, {&half, 1}));
    low[0] = 1;
    REQUIRE(energy->log_marginals({low, 16}, {&rest, 1}));
    CHECK(std::exp(half) + std::exp(rest) == doctest::Approx(1));
    x[0] = 1, x[1] = 1;  // the first cell of the upper half is the last of the lower with its first bit turned
    std::vector<std::uint8_t> before = x;
    before[0] = 0;
    const auto full_cell = [&](std::vector<std::uint8_t> code) { return energy->point(code, {})[0]; };
    const double width = std::exp(area / 2);
    CHECK(std::abs(full_cell(x) - full_cell(before)) == doctest::Approx(width).epsilon(0.1));
}

TEST_CASE("many wells in bits: log Z as of the numbers, to the error of the rule") {
    const auto bits = make("many-well", {{"dimensions", "8"}, {"encoding", "\"gray\""}, {"bits", "8"}});
    const auto numbers = make("many-well", {{"dimensions", "8"}});
    CHECK(bits->sites() == 64);
    CHECK(*bits->log_z() == doctest::Approx(*numbers->log_z()).epsilon(1e-6));
}

TEST_CASE("a free field's log Z is that of its waves, also by the transfer matrix") {
    const auto free = make("phi4", {{"rows", "2"}, {"columns", "5"}, {"kappa", "0.1"}, {"lambda", "0"}});
    double waves = 0;
    for (int row = 0; row < 2; ++row)
        for (int column = 0; column < 5; ++column)
            waves += 0.5 * std::log(std::numbers::pi / (1 - 0.2 * (std::cos(std::numbers::pi * row) +
                                                                   std::cos(2 * std::numbers::pi * column / 5))));
    CHECK(*free->log_z() == doctest::Approx(waves).epsilon(1e-12));
    const auto nearly = make("phi4", {{"rows", "2"}, {"columns", "5"}, {"kappa", "0.1"}, {"lambda", "1e-9"}});
    CHECK(*nearly->log_z() == doctest::Approx(waves).epsilon(1e-7));
    CHECK(refusal("phi4", {{"lambda", "0"}, {"kappa", "0.3"}}).find("needs kappa below 1/4") != std::string::npos);
    CHECK_FALSE(make("phi4")->log_z().has_value());
}

TEST_CASE("the field of one and of two sites, by quadrature") {
    const auto f = [](double a, double b, double kappa, double lambda) {
        const auto alone = [&](double y) {
            return 2 * kappa * y * y - (1 - 2 * lambda) * y * y - lambda * y * y * y * y;
        };
        return std::exp(alone(a) + alone(b) + 4 * kappa * a * b);
    };
    double sum = 0;
    constexpr double step = 0.02;
    for (double a = -9; a < 9; a += step)
        for (double b = -9; b < 9; b += step) sum += f(a, b, 0.25, 0.022) * step * step;
    const auto energy = make("phi4", {{"rows", "1"}, {"columns", "2"}, {"kappa", "0.25"}});
    CHECK(log_f(*energy, {0.3, -1.2}) == doctest::Approx(std::log(f(0.3, -1.2, 0.25, 0.022))));
    CHECK(*energy->log_z() == doctest::Approx(std::log(sum)).epsilon(1e-8));
    std::vector<double> values(3);
    const std::vector<double> v = {1, -3};
    energy->mixed_observe(std::vector<std::uint8_t>{0, 0}, v, values);
    const double scale = energy->site_list()[0].scale;
    CHECK(values[0] == doctest::Approx(-scale));
    CHECK(values[1] == doctest::Approx(scale));
    CHECK(values[2] == doctest::Approx(5 * scale * scale));
}

}  // namespace real_energies
