// Energies on a device, the CPU standing for one: log f, conditionals and partial densities of the plugins' own bytes.
#include <doctest/doctest.h>

#include <cmath>

#include <ATen/ATen.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>

#include "kernel/worker/machine/device_waits.h"
#include "kernel/worker/model/device_batch_energy.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_plugin.h"

namespace train_device_energies {

using namespace marginalia;
using energy_plugin::Words;

namespace {

const std::string energies = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/";

struct Chosen {
    const char* plugin;
    Words words;
    std::size_t colours;
    bool partial = true;
};

const std::vector<Chosen> all_energies{
    {"ising", {{"rows", "4"}, {"columns", "6"}, {"coupling", "0.3"}, {"field", "-0.2"}}, 2},
    {"ising", {{"rows", "2"}, {"columns", "5"}, {"coupling", "-0.4"}, {"boundary", "open"}}, 2},
    {"ising", {{"rows", "1"}, {"columns", "1"}}, 1},
    {"ising", {{"rows", "200"}, {"columns", "200"}}, 2},  // in pieces, to bound memory
    {"ising", {{"rows", "3"}, {"columns", "4"}}, 4},
    {"edwards-anderson",
     {{"rows", "2"},
      {"columns", "3"},
      {"layers", "4"},
      {"lattice", "cubic"},
      {"field", "0.3"},
      {"disorder", "gaussian"}},
     4},
    {"edwards-anderson", {{"rows", "6"}, {"columns", "4"}, {"beta", "1.5"}, {"disorder_seed", "3"}}, 2},
    {"potts", {{"states", "3"}, {"rows", "4"}, {"columns", "4"}, {"field", "0.7"}}, 2},
    {"potts", {{"states", "11"}, {"rows", "2"}, {"columns", "3"}, {"boundary", "open"}, {"coupling", "-2"}}, 2},
    {"qubo", {{"file", energies + "qubo/example.graph"}}, 2},
    {"qubo", {{"file", energies + "qubo/example.qubo"}, {"problem", "qubo"}, {"beta", "0.7"}}, 2},
    {"rbm",
     {{"weights", energies + "rbm/example_weights.npy"},
      {"visible_bias", energies + "rbm/example_visible_bias.npy"},
      {"hidden_bias", energies + "rbm/example_hidden_bias.npy"}},
     10,
     false}};

at::Tensor random_states(const Energy& energy, std::int64_t rows, std::int64_t symbols) {
    at::Generator generator = make_generator(at::kCPU, 3, 9);
    return at::randint(symbols, {rows, energy.sites()}, generator, at::kLong);
}

void check_close(double a, double b) { CHECK(std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b))); }

void check_log_f(const Energy& energy, const DeviceEnergy& device) {
    const at::Tensor x = random_states(energy, 200, energy.categories());
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(energy.sites())};
    const at::Tensor values = device.log_densities(x);
    for (std::size_t row = 0; row < rows.size(); ++row)
        check_close(values.const_data_ptr<double>()[row], energy.log_density(rows[row]));
}

void check_conditionals(const Energy& energy, const DeviceEnergy& device) {
    const at::Tensor x = random_states(energy, 20, energy.categories());
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(energy.sites())};
    std::vector<double> right(static_cast<std::size_t>(energy.categories()));
    for (std::size_t colour = 0; colour < device.colours().size(); ++colour) {
        const at::Tensor &sites = device.colours()[colour], values = device.site_log_densities(x, colour);
        REQUIRE(values.sizes() == at::IntArrayRef({20, sites.size(0), energy.categories()}));
        const double* given = values.const_data_ptr<double>();
        for (std::size_t row = 0; row < rows.size(); ++row)
            for (std::int64_t i = 0; i < sites.size(0); ++i, given += energy.categories()) {
                energy.site_log_densities(rows[row], sites.const_data_ptr<std::int64_t>()[i], right);
                for (std::size_t k = 0; k < right.size(); ++k) check_close(given[k] - given[0], right[k] - right[0]);
            }
    }
}

void check_partial(const Energy& energy, const DeviceEnergy& device) {
    const at::Tensor x = random_states(energy, 200, energy.categories() + 1), values = device.partial_log_densities(x);
    REQUIRE(values.defined());
    const at::Tensor right = PartialDensities(energy, x).values();
    for (std::int64_t row = 0; row < 200; ++row)
        check_close(values.const_data_ptr<double>()[row], right.const_data_ptr<double>()[row]);
}

// No energy itself: its form is what a test says.
struct Formed final : Energy {
    explicit Formed(EnergyForm f, std::int64_t sites = 3, std::int64_t categories = 2)
        : Energy(sites, categories), given(std::move(f)) {}
    double log_density(State) const override { return 0; }
    std::optional<EnergyForm> form() const override { return given; }
    const EnergyForm given;
};

std::string refusal(const std::function<void(EnergyForm&)>& spoil) {
    EnergyForm form;
    form.fields = {0, 1, 0, 1, 0, 1};
    form.tables = {{0, 0, 0, 1}};
    form.pairs = {{0, 1, 0}};
    spoil(form);
    try {
        device_energy(Formed(form), at::kCPU);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("on a device the shipped energies are what they are on the host, to 1e-9") {
    for (const auto& [plugin, words, colours, partial] : all_energies) {
        CAPTURE(std::string(plugin));
        const auto energy = energy_plugin::make(plugin, words);
        const auto device = device_energy(*energy, at::kCPU);
        REQUIRE(device);
        CHECK(device->finite());
        CHECK(device->colours().size() == colours);
        CHECK(at::equal(std::get<0>(at::cat(device->colours()).sort(0)), at::arange(energy->sites())));
        check_log_f(*energy, *device);
        check_conditionals(*energy, *device);
        if (partial) check_partial(*energy, *device);
        else CHECK(!device->partial_log_densities(at::zeros({1, energy->sites()}, at::kLong)).defined());
    }
}

TEST_CASE("an energy of impossible states or larger factors is not on a device") {
    CHECK(!device_energy(*energy_plugin::make("uai", {{"file", energies + "uai/example.uai"}}), at::kCPU));
}

TEST_CASE("terms of all kinds add up, and hidden units beside pairs are drawn site by site") {
    EnergyForm form;
    form.constant = 0.5;
    form.fields = {0, 1, 2, 0, -1, 0.25};
    form.tables = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
    form.pairs = {{1, 0, 0}};
    form.bias = {0.5};
    form.weights = {1, -2};
    const auto device = device_energy(Formed(form, 2, 3), at::kCPU);
    CHECK(device->colours().size() == 2);
    const at::Tensor x = at::tensor({2, 1}, at::kLong).view({1, 2});
    const auto log_f = [](double a, double b) {
        const double fields = std::array{0.0, 1.0, 2.0}[static_cast<std::size_t>(a)] +
                              std::array{0.0, -1.0, 0.25}[static_cast<std::size_t>(b)];
        return 0.5 + fields + (1 + 3 * b + a) + std::log1p(std::exp(0.5 + a - 2 * b));
    };
    check_close(device->log_densities(x).item<double>(), log_f(2, 1));
    const at::Tensor values = device->site_log_densities(x, 1).flatten();
    for (std::int64_t k = 1; k < 3; ++k)
        check_close((values[k] - values[0]).item<double>(), log_f(2, static_cast<double>(k)) - log_f(2, 0));
}

TEST_CASE("a site of very many neighbours has a class of its own") {
    EnergyForm form;  // a star beside lone sites, whose centre could be drawn with the latter
    form.tables = {{0, 0, 0, 1}};
    for (std::uint32_t leaf = 1; leaf <= 20; ++leaf) form.pairs.push_back({leaf, 0, 0});
    const auto device = device_energy(Formed(form, 25), at::kCPU);
    REQUIRE(device->colours().size() == 3);
    CHECK(device->colours()[0].numel() == 1);
    CHECK(device->colours()[1].numel() == 4);
    CHECK(device->colours()[2].numel() == 20);
}

TEST_CASE("a form that is wrong is refused by what is wrong in it") {
    CHECK(refusal([](EnergyForm&) {}) == "");
    CHECK(refusal([](EnergyForm& form) { form.fields.pop_back(); }) ==
          "the energy's form has 5 numbers as fields where there must be 6; see marginalia/energy_form.h");
    CHECK(refusal([](EnergyForm& form) { form.fields[2] = -INFINITY; }) ==
          "the energy's form has a number that is not finite in its fields; see marginalia/energy_form.h");
    CHECK(refusal([](EnergyForm& form) { form.pairs[0].second = 3; }) ==
          "the energy's form has a pair of the sites 0 and 3, which must be two of the sites 0 to 2; see "
          "marginalia/energy_form.h");
    CHECK(refusal([](EnergyForm& form) { form.pairs[0].second = 0; }).find("the sites 0 and 0") != std::string::npos);
    CHECK(refusal([](EnergyForm& form) { form.pairs[0].table = 1; }) ==
          "the energy's form has a pair with table 1 of 1; see marginalia/energy_form.h");
    CHECK(refusal([](EnergyForm& form) { form.tables[0].pop_back(); }).find("K * K") != std::string::npos);
    CHECK(refusal([](EnergyForm& form) { form.bias = {1}; }).find("D * H") != std::string::npos);
}

TEST_CASE("a step's energy on the device copies nothing, waits for nothing and knows that no state is impossible") {
    for (const auto& [plugin, words, colours, partial] : all_energies) {
        CAPTURE(std::string(plugin));
        const auto energy = energy_plugin::make(plugin, words);
        const auto device = device_energy(*energy, at::kCPU);
        DeviceBatchEnergy of_step(*device, plugin);
        const at::Tensor x = random_states(*energy, 50, energy->categories());
        WaitCounter counter;
        of_step.start(x);
        const at::Tensor values = of_step.finish();
        const DeviceWaits found = counter.take();
        CHECK(found.text() == "");
        CHECK(found.to_host + found.to_device == 0);
        CHECK(of_step.impossible() == 0);
        ParallelEnergy by_bytes(*energy, plugin);
        CHECK(at::allclose(values, by_bytes.log_density(x), 1e-9, 1e-9));
        CHECK_THROWS_WITH_AS(of_step.finish(), "energy evaluation was finished but never started", Error);
    }
}

}  // namespace train_device_energies
