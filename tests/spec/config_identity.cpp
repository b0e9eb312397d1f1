// What a trial is known by, and that it lasts: keys that come later change no hash of before.
#include "kernel/spec/identity.h"

#include <doctest/doctest.h>

#include "kernel/base/digest.h"
#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace {

using json = nlohmann::json;

// As a store has it. The hashes are those of these texts by another program (Python's hashlib).
json stored() {
    return {{"energy", {{"plugin", "ising"}, {"rows", 3}, {"coupling", 0.3}}},
            {"network", {{"plugin", "mlp"}, {"hidden", 8}}},
            {"sampler", {{"plugin", "block-gibbs"}, {"sites", 3}}},
            {"objective", {{"plugin", "mam-energy"}}},
            {"train", {{"steps", 30}, {"batch", 16}, {"log_every", 10}}},
            {"evaluation", {{"samples", 200}, {"every", 10}}},
            {"reference", {{"plugin", "tempering"}, {"rungs", 8}}}};
}
constexpr const char *stored_hash = "b1a7cbfa05499c4d", *stored_evaluation = "08b10b2dd33b20e7";

ParameterSpec later_number(const char* fallback, const char* absent) {
    return describe({.name = "later", .type = ParameterType::number, .fallback = fallback, .absent = absent});
}

// Plugin 'mlp' and [train], each with one parameter more.
DeclaredOf with_later(const ParameterSpec& spec) {
    static std::vector<ParameterSpec> network, train;
    network = {spec};
    train = train_parameters();
    train.push_back(spec);
    return [](const std::string& table, const json& values) -> const std::vector<ParameterSpec>* {
        if (table == "network") return &network;
        return table == "train" ? &train : declared_by_kernel(table, values);
    };
}

PluginCatalogue grown_catalogue(const ParameterSpec& spec) {
    PluginCatalogue catalogue = fake_catalogue();
    for (PluginManifest& plugin : catalogue.plugins)
        if (plugin.name == "mlp") plugin.parameters.push_back(spec);
    return catalogue;
}

TrialConfig planned(const PluginCatalogue& catalogue, const std::string& more = "") {
    return parse_experiment(small_experiment(more), "small.toml", {}, catalogue).trials[0];
}

}  // namespace

TEST_CASE("a config is split by what it shapes, and each half has its hash") {
    const SplitConfig split = split_config(stored());
    CHECK(split.hash == stored_hash);
    CHECK(split.evaluation_hash == stored_evaluation);
    json joined = split.training;
    joined.update(split.evaluation);
    CHECK(joined == stored());
    CHECK(split.evaluation.size() == 2);
}

TEST_CASE("what shapes the weights changes the one hash, the rest the other, and what is only recorded neither") {
    const auto changed = [](const char* table, const char* key, const json& value) {
        json config = stored();
        config[table][key] = value;
        return split_config(config);
    };
    for (const auto& [table, key] : {std::pair("energy", "rows"), std::pair("train", "steps"),
                                     std::pair("sampler", "sites"), std::pair("network", "hidden")}) {
        CHECK(changed(table, key, 77).hash != stored_hash);
        CHECK(changed(table, key, 77).evaluation_hash == stored_evaluation);
    }
    for (const auto& [table, key] : {std::pair("evaluation", "samples"), std::pair("reference", "rungs")}) {
        CHECK(changed(table, key, 77).hash == stored_hash);
        CHECK(changed(table, key, 77).evaluation_hash != stored_evaluation);
    }
    for (const auto& [table, key] : {std::pair("train", "log_every"), std::pair("train", "keep_state"),
                                     std::pair("train", "micro_batch"), std::pair("train", "deterministic"),
                                     std::pair("evaluation", "every"), std::pair("evaluation", "quick_samples")}) {
        CHECK(changed(table, key, 77).hash == stored_hash);
        CHECK(changed(table, key, 77).evaluation_hash == stored_evaluation);
    }
}

TEST_CASE("of a first stage the hash counts, not the name of its experiment") {
    const auto start = [](const char* from) {
        json config = stored();
        config["train"]["start_from"] = from;
        return split_config(config).hash;
    };
    CHECK(start("one.stage1@0123456789abcdef") == start("renamed.stage1@0123456789abcdef"));
    CHECK(start("one.stage1@0123456789abcdef") != start("one.stage1@fedcba9876543210"));
    CHECK(start("one") != start("other"));
}

TEST_CASE("of an old store, what starts from a first stage names the hash that this has now") {
    const json first = stored();
    json second = stored();
    second["train"]["steps"] = 50;
    second["train"]["start_from"] = "one.stage1@" + sha256_hex(first.dump()).substr(0, 16);
    json other = second;
    other["train"]["start_from"] = "one.stage1@fedcba9876543210";  // not in this store
    OldConfigs configs;
    CHECK(configs.split(first).hash == stored_hash);
    const SplitConfig split = configs.split(second);
    CHECK(split.training["train"]["start_from"] == std::string("one.stage1@") + stored_hash);
    CHECK(split.hash == split_config(split.training).hash);
    CHECK(configs.split(other).training["train"] == other["train"]);
    for (const json& damaged : {json(nullptr), json(3), json({{"train", 7}}), json({{"train", {{"start_from", 1}}}})})
        CHECK_NOTHROW(configs.split(damaged));
}

TEST_CASE("a parameter of a plugin and a key of [train] that come later change no hash, but by another value") {
    const DeclaredOf declared = with_later(later_number("0.5", "0"));
    CHECK(split_config(stored(), declared).hash == stored_hash);  // stored before
    json config = stored();
    config["network"]["later"] = config["train"]["later"] = 0.0;
    CHECK(split_config(config, declared).hash == stored_hash);
    for (const char* table : {"network", "train"}) {
        json other = config;
        other[table]["later"] = 0.5;
        CHECK(split_config(other, declared).hash != stored_hash);
    }
    // Without `absent` it enters whatever its value.
    CHECK(split_config(config, with_later(describe({.name = "later", .type = ParameterType::number, .fallback = "0"})))
              .hash != stored_hash);
}

TEST_CASE("the precision of an evaluation came later: 0 is as if there were none") {
    json config = stored();
    config["evaluation"]["precision"] = 0.0;
    CHECK(split_config(config).evaluation_hash == stored_evaluation);
    config["evaluation"]["precision"] = 0.1;
    CHECK(split_config(config).evaluation_hash != stored_evaluation);
    CHECK(split_config(config).hash == stored_hash);
}

TEST_CASE("a file of before gives the trial of before, whose plugin has gained a parameter since") {
    const std::string before = planned(fake_catalogue()).hash;
    const PluginCatalogue same = grown_catalogue(later_number("0", "0")),
                          other = grown_catalogue(later_number("1", "0"));
    CHECK(planned(same).config["network"]["later"] == 0.0);
    CHECK(planned(same).hash == before);
    CHECK(planned(other).hash != before);  // the plugin does something else by default now
    CHECK(planned(other, "[network.mlp]\nlater = 0\n").hash == before);
    CHECK(planned(same, "[network.mlp]\nlater = 2\n").hash != before);
}

TEST_CASE("a stored trial is read with the value that is as if absent, else with the default") {
    const json table = {{"plugin", "mlp"}, {"hidden", 8}};
    const ParameterSpec hidden = describe({.name = "hidden", .type = ParameterType::integer});
    CHECK(params_of(table, {hidden, later_number("0.5", "0.25")}).number("later") == 0.25);
    CHECK(params_of(table, {hidden, later_number("0.5", nullptr)}).number("later") == 0.5);
    CHECK(params_of(table, {hidden, later_number(nullptr, "0.25")}).number("later") == 0.25);
    CHECK_THROWS_WITH(params_of(table, {hidden, later_number(nullptr, nullptr)}),
                      "the config lacks the parameter 'later'; it was made for another version of the plugin");
}

TEST_CASE("a parameter that the plugin has lost is not passed over") {
    CHECK_THROWS_WITH(params_of({{"plugin", "mlp"}, {"gone", 3}}, {}),
                      "the config gives gone = 3, a parameter that this version of the plugin does not have; name the "
                      "folder of the version that it was made with by --plugin-path");
}

TEST_CASE("a declared 'absent' that the parameter cannot have is the plugin's fault") {
    const PluginCatalogue wrong = grown_catalogue(later_number("1", "\"much\""));
    CHECK_THROWS_WITH_AS(planned(wrong), doctest::Contains("the declared value 'absent' of 'later' is wrong"), Error);
}

TEST_CASE("a sweep over [evaluation] has one training for all its values") {
    const Experiment e = parse_experiment(
        small_experiment("[sweep]\n\"evaluation.samples\" = [200, 300]\n\"train.log_every\" = [1, 2]\n"), "small.toml",
        {"seeds=0"}, fake_catalogue());
    REQUIRE(e.trials.size() == 2);  // what is only recorded makes no trial
    CHECK(e.trials[0].hash == e.trials[1].hash);
    CHECK(e.trials[0].evaluation_hash != e.trials[1].evaluation_hash);
}
