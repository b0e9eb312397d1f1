#include <doctest/doctest.h>

#include <functional>

#include "kernel/spec/experiment.h"
#include "kernel/spec/nearest.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static nlohmann::json default_of(ParameterType type, const char* fallback) {
    return default_value(describe({.name = "a", .type = type, .fallback = fallback}));
}

TEST_CASE("a catalogue travels as JSON without loss, open ranges too") {
    const PluginCatalogue catalogue = fake_catalogue();
    const nlohmann::json json = catalogue;
    const auto back = nlohmann::json::parse(json.dump()).get<PluginCatalogue>();
    CHECK(nlohmann::json(back) == json);
    CHECK(back.find("energy", "ising")->parameters[0].maximum == 64);
    CHECK(back.find("energy", "ising")->parameters[2].maximum == std::numeric_limits<double>::infinity());
    CHECK(back.find("network", "ising") == nullptr);
    CHECK(back.failures.size() == 1);
}

TEST_CASE("a plain parameter is described in full") {
    const ParameterSpec spec =
        describe({.name = "format", .type = ParameterType::text, .fallback = "\"csv\"", .choices = "csv|npy"});
    CHECK_FALSE(spec.required);
    CHECK(spec.choices == std::vector<std::string>{"csv", "npy"});
    CHECK(describe({.name = "rows", .type = ParameterType::integer}).required);
}

TEST_CASE("every default of the kernel's tables is a value of its parameter") {
    for (const auto* table : {&train_parameters(), &evaluation_parameters(), &run_parameters(), &stop_parameters()})
        for (const ParameterSpec& spec : *table) {
            INFO(spec.name);
            CHECK_NOTHROW(default_value(spec));
            CHECK_FALSE(spec.help.empty());
        }
}

namespace {

// Two tables of a canonical config, byte for byte. All but what is as if absent (evaluation.precision = 0) is in every
// trial's hash.
const char* const canonical_train =
    R"({"anneal_from":1.0,"anneal_steps":0,"base":"none","base_components":1,"base_marginals":false,"base_sweeps":12,)"
    R"("base_weights":"none","batch":128,"beta1":0.9,"beta2":0.999,"clip":0.0,"deterministic":false,"ema":0.9,)"
    R"("family":"","final_fraction":0.02,"keep_state":false,"learning_rate":0.001,"log_every":10,"micro_batch":0,)"
    R"("precision":"float32","schedule":"hold-then-decay","start_from":"","steps":3,"symmetries":"","warmup":0,)"
    R"("weight_decay":0.0})";
const char* const canonical_evaluation =
    R"({"ais_chains":0,"ais_temperatures":1000,"batch":512,"ensemble_orders":5,"ensemble_rows":0,)"
    R"("enumeration":0,"every":2,"family":"","marginal_rows":0,"marginal_states":8,"marginal_time":true,)"
    R"("nll_points":0,"nll_samples":16,"pictures":16,"precision":0.0,"quick_samples":8,)"
    R"("ranking_groups":0,"ranking_masked":"","ranking_rows":10,"ranking_threshold":0.0,"reference_chains":8,)"
    R"("samples":16})";

// What reading the settings complains of, once `change` has been made to them.
std::string complaint(const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json config = {{"train", nlohmann::json::parse(canonical_train)},
                             {"evaluation", nlohmann::json::parse(canonical_evaluation)},
                             {"energy", {{"plugin", "ising"}, {"rows", 4}}}};
    change(config);
    const std::string start = "the trial's settings are not what this version expects: ", end = "; run its file again";
    try {
        config.get<TrialSettings>();
    } catch (const Error& error) {
        const std::string what = error.what();
        REQUIRE(what.starts_with(start));
        REQUIRE(what.ends_with(end));
        return what.substr(start.size(), what.size() - start.size() - end.size());
    }
    return "";
}

}  // namespace

TEST_CASE("typed settings and the canonical config are each other's, byte for byte") {
    const TrainSettings train{.steps = 3, .ema = 0.9};
    CHECK(nlohmann::json(train).dump() == canonical_train);
    const EvaluationSettings evaluation{
        .every = 2, .samples = 16, .quick_samples = 8, .nll_samples = 16, .marginal_states = 8};
    CHECK(nlohmann::json(evaluation).dump() == canonical_evaluation);
    const std::string config = std::string(R"({"energy":{"plugin":"ising","rows":2},"evaluation":)") +
                               canonical_evaluation + R"(,"reference":{"plugin":"gibbs"},"train":)" + canonical_train +
                               "}";
    const TrialSettings settings = nlohmann::json::parse(config);
    CHECK(nlohmann::json(settings).dump() == config);
    CHECK(settings.plugin("energy").parameters.dump() == R"({"rows":2})");
    CHECK(settings.plugin("reference").plugin == "gibbs");
    CHECK(settings.train.ema == 0.9);
    CHECK(settings.evaluation.marginal_states == 8);
    CHECK(train_of(nlohmann::json::parse(config)).steps == 3);
    CHECK_THROWS_WITH_AS(
        settings.plugin("network"),
        "the trial's settings are not what this version expects: there is no [network]; run its file again", Error);
}

TEST_CASE("settings that are not allowed are refused by the name of the key") {
    CHECK(complaint([](auto&) {}) == "");
    CHECK(complaint([](auto& c) { c["train"]["made_up"] = 1; }) == "");
    CHECK(complaint([](auto& c) { c["train"].erase("ema"); }) == "");
    CHECK(complaint([](auto& c) { c.erase("evaluation"); }) == "there is no [evaluation]");
    CHECK(complaint([](auto& c) { c["train"] = 3; }) == "[train] is not a table");
    CHECK(complaint([](auto& c) { c = nullptr; }) == "there is no [train]");
    CHECK(complaint([](auto& c) { c["train"]["steps"] = -1; }) == "'train.steps' must be at least 0 steps, not -1");
    CHECK(complaint([](auto& c) { c["train"]["steps"] = 1.5; }) ==
          "'train.steps' must be an integer, not the number 1.5");
    CHECK(complaint([](auto& c) { c["train"]["steps"] = 1ull << 63; }).starts_with("'train.steps' must be an integer"));
    CHECK(complaint([](auto& c) {
              c["train"]["schedule"] = "cosin";
          }).starts_with("'train.schedule' cannot be \"cosin\""));
    CHECK(complaint([](auto& c) {
              c["evaluation"]["marginal_time"] = "yes";
          }).starts_with("'evaluation.marginal_time' must be true or false, not the text \"yes\""));
    CHECK(complaint([](auto& c) { c["energy"] = {{"rows", 3}}; }) == "a table names no plugin");
    CHECK(complaint([](auto& c) { c["energy"]["plugin"] = 3; }) == "a table names no plugin");
    CHECK(complaint([](auto& c) { c["energy"] = "ising"; }) == "a table names no plugin");
}

TEST_CASE("defaults have the declared type") {
    CHECK(default_of(ParameterType::number, "1").dump() == "1.0");
    CHECK(default_of(ParameterType::integer, "1").dump() == "1");
    CHECK(default_of(ParameterType::text, "\"x\"") == "x");
    CHECK(default_of(ParameterType::text, "x y") == "x y");
    CHECK(default_of(ParameterType::text, "") == "");
    CHECK_THROWS_WITH_AS(default_of(ParameterType::integer, "1.5"),
                         "the declared default of 'a' is wrong: 'a' must be an integer, not the number 1.5", Error);
    CHECK_THROWS_AS(default_of(ParameterType::integer, "one"), Error);
}

TEST_CASE("params hold the declared types") {
    const auto declared = fake_catalogue().find("energy", "ising")->parameters;
    const Params params = params_of(
        {{"plugin", "ising"}, {"rows", 4}, {"columns", 5}, {"coupling", 0.5}, {"field", 0.0}, {"torus", false}},
        declared);
    CHECK(params.integer("columns") == 5);
    CHECK(params.number("coupling") == 0.5);
    CHECK_FALSE(params.boolean("torus"));
    CHECK_THROWS_WITH_AS(params_of({{"rows", 4}}, declared),
                         "the config lacks the parameter 'columns'; it was made for another version of the plugin",
                         Error);
}

TEST_CASE("the nearest word is found where a slip explains the other") {
    const std::vector<std::string> words = {"learning_rate", "steps", "batch", "beta1"};
    CHECK(nearest("lerning_rate", words) == "learning_rate");
    CHECK(nearest("setps", words) == "steps");
    CHECK(nearest("learn", words) == "learning_rate");
    CHECK(nearest("momentum", words) == "");
    CHECK(suggestion("stpes", words, "Keys") == "; did you mean 'steps'? Keys: learning_rate, steps, batch, beta1");
    CHECK(suggestion("momentum", {}, "Keys") == ". Keys: none");
}
