#include <doctest/doctest.h>

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
    for (const auto* table : {&train_parameters(), &evaluation_parameters(), &run_parameters()})
        for (const ParameterSpec& spec : *table) {
            INFO(spec.name);
            CHECK_NOTHROW(default_value(spec));
            CHECK_FALSE(spec.help.empty());
        }
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
