// Points of a sweep's space in trials' configs, and conditions on them.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "kernel/spec/space_point.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;
using nlohmann::json;

TEST_CASE("a condition holds where all of its keys fit") {
    const json point = {{"train.batch", 64}, {"train.schedule", "cosine"}};
    CHECK(holds(json::object(), point));
    CHECK(holds({{"train.schedule", {"constant", "cosine"}}}, point));
    CHECK_FALSE(holds({{"train.schedule", json::array({"constant"})}}, point));
    CHECK(holds({{"train.batch", json::array({64.0})}}, point));
    CHECK(holds({{"train.batch", {{"above", 63}, {"at_most", 64}}}}, point));
    CHECK_FALSE(holds({{"train.batch", {{"above", 64}}}}, point));
    CHECK_FALSE(holds({{"train.batch", {{"below", 64}}}}, point));
    CHECK(holds({{"train.batch", {{"at_least", 64}}}}, point));
    CHECK_FALSE(holds({{"train.schedule", {{"above", 1}}}}, point));
    CHECK_FALSE(holds({{"train.steps", json::array({1})}}, point));
}

TEST_CASE("the points of a sweep's trials tell them apart") {
    const Experiment experiment =
        parse(small_experiment("[sweep]\n\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n"
                               "\"network.mlp.hidden\" = [8, 16]\n"
                               "\"train.schedule\" = [\"constant\", \"cosine\"]\n"
                               "\"train.final_fraction\" = [0.1, 0.2]\n"
                               "[sweep.when]\n\"train.final_fraction\" = { \"train.schedule\" = \"cosine\" }\n"));
    std::set<std::string> points;
    for (const TrialConfig& trial : experiment.trials) {
        const json point = point_of(trial.config, experiment.space);
        points.insert(point.dump());
        CHECK(point.contains("network.mlp.hidden") == (point.at("network.plugin") == "mlp"));
        CHECK(point.contains("train.final_fraction") == (point.at("train.schedule") == "cosine"));
    }
    CHECK(experiment.trials.size() == 18);  // (2 + 1) networks, (1 + 2) schedules, 2 seeds
    CHECK(points.size() == 9);
}
