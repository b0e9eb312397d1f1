// What configurations model, and the order of their keys.
#include <doctest/doctest.h>

#include "kernel/host/results/targets.h"
#include "tests/golden/sample_store.h"

using namespace marginalia;

namespace targets {

using Indices = std::vector<std::size_t>;

std::vector<Target> targets_among(const std::vector<nlohmann::json>& configs) {
    std::vector<FlatConfig> flat;
    for (const nlohmann::json& config : configs) flat.push_back(flatten(config));
    std::vector<const FlatConfig*> pointers;
    for (const FlatConfig& config : flat) pointers.push_back(&config);
    return targets_of(pointers);
}

nlohmann::json ising(double coupling, double rate) {
    return {{"energy", {{"plugin", "ising"}, {"rows", 4}, {"coupling", coupling}}},
            {"train", {{"learning_rate", rate}}}};
}

TEST_CASE("configurations of one energy are one target, called by its plugin") {
    const auto targets = targets_among({ising(0.44, 1e-3), ising(0.44, 1e-2)});
    REQUIRE(targets.size() == 1);
    CHECK(targets[0].label == "ising");
    CHECK(targets[0].groups == Indices{0, 1});
}

TEST_CASE("targets are told apart by what differs between them, not by what else does") {
    const auto targets = targets_among({ising(0.44, 1e-3), ising(0.2, 1e-3), ising(0.44, 1e-2)});
    REQUIRE(targets.size() == 2);
    CHECK(targets[0].label == "ising, coupling = 0.44");
    CHECK(targets[0].groups == Indices{0, 2});
    CHECK(targets[1].label == "ising, coupling = 0.2");
    CHECK(targets[1].groups == Indices{1});
}

TEST_CASE("energies and data sets of several plugins are several targets") {
    nlohmann::json rows = {{"dataset", {{"plugin", "rows"}, {"file", "a.csv"}}}}, others = rows;
    others["dataset"]["file"] = "b.csv";
    const auto targets = targets_among({ising(0.2, 1e-3), rows, others, nlohmann::json::object()});
    REQUIRE(targets.size() == 4);
    CHECK(targets[0].label == "ising");
    CHECK(targets[1].label == "rows, file = a.csv");
    CHECK(targets[2].label == "rows, file = b.csv");
    CHECK(targets[3].label.empty());
}

TEST_CASE("an experiment's keys stand in the order of its newest file") {
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "marginalia-key-order.db";
    std::filesystem::remove(file);
    testing::fill_sample_store(file);
    store::Store store = store::Store::open(file);
    store.connection().execute(
        "UPDATE sweep SET toml = '[sweep]\n\"train.learning_rate\" = [1]\n\"network.channels\" = [2]\n"
        "[network]\nplugin = \"x\"\n'");
    const ExperimentResults results = load_results(store, {.experiment = "lattice"});
    CHECK(results.differing == std::vector<std::string>{"train.learning_rate", "network.channels"});
    CHECK(results.groups.front().label == "learning_rate = 0.001, channels = 16");
    CHECK(results.shared.front() == std::pair<std::string, std::string>{"train.steps", "2000"});
    CHECK(targets_of(results).size() == 1);
}

}  // namespace targets
