// train.family as text: members, their names, and what no family is.
#include <doctest/doctest.h>

#include "kernel/spec/family.h"
#include "kernel/spec/metrics.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace family_text {
namespace {

const std::vector<ParameterSpec>& ising_parameters() {
    static const PluginCatalogue catalogue = fake_catalogue();
    return catalogue.find("energy", "ising")->parameters;
}

std::vector<FamilyMember> read(std::string_view text) { return read_family(text, ising_parameters(), "train.family"); }

std::string fault(const std::string& text) {
    try {
        read(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TrialSettings settings_of(const std::string& family) {
    TrialSettings settings;
    settings.plugins["energy"] = {"ising", {{"rows", 4}, {"columns", 4}, {"coupling", 0.2}, {"field", 0.0}}};
    settings.train.family = family;
    return settings;
}

}  // namespace

TEST_CASE("a family is lists that move together, ranges among them, and members are called by their values") {
    const auto members = read(" coupling = 0.2,0.3 ,-1; field=0, 0.5,1 ");
    REQUIRE(members.size() == 3);
    CHECK(members[1].values == nlohmann::json{{"coupling", 0.3}, {"field", 0.5}});
    CHECK(members[2].label == "coupling=-1,field=1");
    const auto range = read("coupling = 0.2..0.44/5, 1");
    REQUIRE(range.size() == 6);
    CHECK(range[1].label == "coupling=0.26");
    CHECK(range[1].values["coupling"].get<double>() == 0.26);
    CHECK(range[4].values["coupling"].get<double>() == 0.44);
    const auto rows = read("rows=2..4,9");
    REQUIRE(rows.size() == 4);
    CHECK(rows[2].values["rows"] == 4);
    CHECK(rows[3].label == "rows=9");
    CHECK(read("torus = true, false")[1].values["torus"] == false);
}

TEST_CASE("what no family is, in a sentence each") {
    CHECK(fault("coupling") == "train.family: \"coupling\" is not NAME = VALUES; write it as \"coupling = 0.2, 0.3\"");
    CHECK(fault("coupling=0.2;") == "train.family: \"\" is not NAME = VALUES; write it as \"coupling = 0.2, 0.3\"");
    CHECK(fault("couplin = 1") ==
          "train.family: [energy] has no parameter 'couplin'; did you mean 'coupling'? Its parameters: rows, columns, "
          "coupling, field, torus");
    CHECK(fault("coupling = 0.2,,0.3") == "train.family: 'coupling' has a value that is empty");
    CHECK(fault("coupling = a") == "train.family: 'coupling' must be a number, not the text \"a\"");
    CHECK(fault("rows = 4, 65") == "train.family: 'rows' must be from 1 to 64 sites, not 65");
    CHECK(fault("coupling = 0.2, 0.3, 0.2") ==
          "train.family: the member coupling=0.2 is there twice; every member is another energy");
    CHECK(fault("coupling = 0.2, 0.3; field = 1") ==
          "train.family: 'field' has 1 values, and what stands before it 2; lists that move together must be of equal "
          "length");
    CHECK(fault("coupling = 1; coupling = 2") == "train.family: 'coupling' is given twice; give one list of it");
    CHECK(fault("coupling = 0.2..0.4") ==
          "train.family: 'coupling' cannot be \"0.2..0.4\"; a range of numbers is written as 0.2..0.44/5, its ends and "
          "how many");
    CHECK(fault("coupling = 0.2..0.4/1").starts_with("train.family: 'coupling' cannot be \"0.2..0.4/1\"; "));
    CHECK(fault("rows = 1..8/2") ==
          "train.family: 'rows' cannot be \"1..8/2\"; a range of whole numbers is written as 1..8");
    CHECK(fault("coupling = 0.4..0.2/3") ==
          "train.family: 'coupling' has the range 0.4..0.2/3; the lower end comes first");
    CHECK(fault("coupling = 0..1/256, 2") == "train.family: 'coupling' has more than 256 members");
    const auto file = describe({.name = "file", .type = ParameterType::path});
    CHECK_THROWS_WITH_AS(read_family("file = a, b", {file}, "train.family"),
                         "train.family: 'file' names a file, which members cannot differ in; sweep it", Error);
}

TEST_CASE("an energy that is asked about is a member, or one more beside them") {
    const TrialSettings settings = settings_of("coupling = 0.2, 0.3, 0.4; field = 0, 0, 1");
    Family family(settings, ising_parameters());
    CHECK(family.trained() == 3);
    CHECK(family.find_or_add("") == 0);
    CHECK(family.find_or_add("coupling=0.3") == 1);
    CHECK(family.find_or_add("field = 1") == 2);
    CHECK(family.find_or_add("coupling=0.4;field=1") == 2);
    CHECK_THROWS_WITH_AS(family.find_or_add("field=0"),
                         "'field=0' may be coupling=0.2,field=0 or coupling=0.3,field=0; say which by its other values",
                         Error);
    CHECK_THROWS_WITH_AS(family.find_or_add("coupling=0.1,0.2"), "--condition names 2 energies; name one", Error);
    CHECK(family.find_or_add("coupling=0.35") == 3);
    CHECK(family.members()[3].label == "coupling=0.35,field=0");
    CHECK(family.find_or_add("coupling=0.35") == 3);
    CHECK(family.trained() == 3);

    const TrialSettings alone = settings_of("");
    Family single(alone, ising_parameters());
    CHECK(single.members().front().label.empty());
    CHECK(single.find_or_add("coupling=0.2") == 0);
    CHECK(single.find_or_add("coupling=0.25") == 1);
    CHECK(single.members()[1].label == "coupling=0.25");
}

TEST_CASE("of a member's metric is known what is known of the metric") {
    CHECK(member_metric("kl", "") == "kl");
    CHECK(member_metric("kl", "coupling=0.3") == "kl@coupling=0.3");
    CHECK(member_metric("kl_stderr", "coupling=0.3") == "kl@coupling=0.3_stderr");
    CHECK(metric_info("kl@coupling=0.3").unit == "nats");
    CHECK(metric_info("kl@coupling=0.3").drawn);
    CHECK(metric_info("ess@coupling=0.3").goal == Goal::high);
    CHECK(metric_info("kl@coupling=0.3_stderr").goal == Goal::none);
    CHECK(is_reference("log_z_exact@coupling=0.3"));
    CHECK(is_reference("kl@coupling=0.3_stderr"));
    CHECK_FALSE(is_reference("kl@coupling=0.3"));
    CHECK(axis_of("marginal_rmse_by_size@coupling=0.3") == Axis::sites);
    CHECK(by_importance({"loss", "ess", "kl@coupling=0.3", "kl"}) ==
          std::vector<std::string>{"kl", "kl@coupling=0.3", "ess", "loss"});
}

}  // namespace family_text
