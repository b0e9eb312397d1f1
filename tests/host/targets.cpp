// What configurations model, and the order of their keys.
#include <doctest/doctest.h>

#include "kernel/host/results/best_trial.h"
#include "kernel/host/results/stored_json.h"
#include "kernel/host/results/targets.h"
#include "kernel/host/results/warnings.h"
#include "store/error.h"
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

TEST_CASE("what a config models is read without the rest of it") {
    CHECK(modelled_in(R"({"energy":{"plugin":"ising","rows":4},"train":{"steps":2}})") ==
          R"({"energy":{"plugin":"ising","rows":4}})");
    CHECK(modelled_in(R"({"train":{"energy":1}, "dataset":{"file":"a \"}, {b\\","x":[1,2]}})") ==
          R"({"dataset":{"file":"a \"}, {b\\","x":[1,2]}})");
    CHECK(modelled_in(R"({"network":{"plugin":"energy"}})").empty());
    CHECK(modelled_in("").empty());
    CHECK(modelled_in(R"({"energy":{"plugin":"is)").empty());
    CHECK(modelled_in(R"(}}}"energy":[)").empty());
    CHECK(member_text(R"({"a":1,"energy":"x"})", "energy") == R"("x")");
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

TEST_CASE("numbers of configs have one form, and as many digits as tell configurations apart") {
    CHECK(shown_value("1.0") == "1");
    CHECK(shown_value("0.5555555555555556") == "0.5556");
    CHECK(shown_value("0.00001") == "1e-5");
    CHECK(shown_value("123456") == "123456");
    CHECK(shown_value("a.csv") == "a.csv");
    const FlatConfig a = flatten(ising(0.44068, 1e-3)), b = flatten(ising(0.4407, 1e-3)), c = flatten(ising(1, 1e-3));
    const TellingKeys close({&a, &b}, KeyOrder()), far({&a, &c}, KeyOrder());
    CHECK(close.text(a) == "coupling = 0.44068");
    CHECK(close.text(b) == "coupling = 0.4407");
    CHECK(far.text(a) == "coupling = 0.4407");
    CHECK(far.text(c) == "coupling = 1");
}

// Trials of one experiment, two of each coupling, whose kl is given.
class Phases {
public:
    Phases() : file_(std::filesystem::temp_directory_path() / "marginalia-phases.db") {
        std::filesystem::remove(file_);
        store_.emplace(store::Store::open(file_));
    }

    void add(const std::string& experiment, double coupling, const std::vector<double>& kls) {
        store::PlannedSweep sweep{experiment, "", experiment + ".toml", "", "{}", {}};
        for (std::size_t i = 0; i < kls.size(); ++i) {
            const nlohmann::json config = ising(coupling, 1e-3 * static_cast<double>(i + 1));
            sweep.trials.push_back({config.dump(), fmt::format("{:016x}", std::hash<std::string>()(config.dump())), 0});
        }
        const std::vector<store::Trial> trials = store_->enqueue(sweep);
        for (std::size_t i = 0; i < kls.size(); ++i) {
            store_->claim(trials[i].id, store::this_process(), "cpu", 1);
            store_->set_final_metric(trials[i].id, "kl", kls[i]);
            store_->set_status(trials[i].id, store::Status::done);
        }
    }

    store::Store& store() { return *store_; }
    store::TrialId best(const std::string& name) { return find_best(*store_, *best_name(name)).id; }
    std::string refusal(const std::string& name) {
        try {
            best(name);
        } catch (const store::StoreError& error) {
            CHECK(error.kind() == store::StoreError::Kind::no_match);
            return error.what();
        }
        return "";
    }

private:
    const std::filesystem::path file_;
    std::optional<store::Store> store_;
};

TEST_CASE("best:METRIC is of one energy, and names the best of each where there are several") {
    Phases phases;
    phases.add("a", 0.2, {0.3, 0.1, 0.2});
    CHECK(phases.best("best:kl") == 2);
    CHECK(phases.best("best:kl:max") == 1);
    phases.add("b", 0.2, {0.05});
    CHECK(phases.best("best:kl") == 4);  // of another experiment, but of the same energy
    CHECK(phases.best("best:kl@a") == 2);
    CHECK(phases.best("best:kl:max@b") == 4);
    phases.add("c", 0.44, {5, 3});
    CHECK(phases.refusal("best:kl") ==
          "'kl' of 2 energies or data sets is not comparable; name a trial by its number, or best:kl@EXPERIMENT; the "
          "best of each: trial 4 (b: ising, coupling = 0.2), trial 6 (c: ising, coupling = 0.44)");
    CHECK(phases.best("best:kl@c") == 6);
    CHECK(phases.refusal("best:kll").starts_with("no trial that is done has a finite 'kll'; did you mean 'kl'?"));
    CHECK(phases.refusal("best:kl@d") == "no trial of 'd' that is done has a finite 'kl'");
    CHECK_FALSE(best_name("last"));
}

TEST_CASE("the best groups are as many of each target") {
    Phases phases;
    phases.add("a", 0.2, {0.3, 0.1, 0.2});
    phases.add("a", 0.44, {5, 3, 4});
    const ExperimentResults results = load_results(phases.store(), {.experiment = "a"});
    CHECK(best_groups(results, targets_of(results), "kl", 4) == Indices{1, 2, 4, 5});
    CHECK(best_groups(results, targets_of(results), "kl", 1) == Indices{1});
    CHECK(best_groups(results, targets_of(results), "ess", 4).empty());
}

TEST_CASE("a warning names the worst configuration and counts the others") {
    Phases phases;
    phases.add("a", 0.2, {-1, -3, 2});
    for (const store::TrialId trial : {1, 2, 3}) phases.store().set_final_metric(trial, "kl_stderr", 0.1);
    const auto warnings = warnings_of(load_results(phases.store(), {.experiment = "a"}));
    CHECK(warnings == std::vector<std::string>{
                          "kl is below 0 by 30 standard errors (learning_rate = 0.002), which cannot be: the energy's "
                          "log Z is wrong; marginalia check-plugin finds such; the same in 1 other configuration"});
}

}  // namespace targets
