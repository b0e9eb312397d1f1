#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/plugins/energy_enumeration.h"

namespace uai_energy {

using energy_enumeration::Bytes;
using energy_plugin::make;

namespace {

const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/uai/";

std::string written(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() / ("marginalia_uai_" + name);
    std::ofstream(path) << text;
    return path.string();
}

// Rain -> sprinkler, both -> wet grass; P(wet) by hand.
const char* const sprinkler =
    "BAYES 3 2 2 2 3\n1 0 2 0 1 3 0 1 2\n2 0.8 0.2\n4 0.6 0.4 0.99 0.01\n8 1 0 0.1 0.9 0.2 0.8 0.01 0.99\n";

}  // namespace

TEST_CASE("the example's log Z is that of its table by hand") {
    // Factors t0(x0) t1(x0, x1) t2(x3, x1, x2) and a constant 1.5.
    const double t0[] = {0.3, 1.2}, t1[2][3] = {{1, 0.5, 0}, {2, 1.5, 0.25}}, t2[2][3] = {{1, 3, 0.1}, {0.7, 2, 4}};
    double z = 0;
    for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 3; ++b)
            for (int d = 0; d < 2; ++d) z += 1.5 * t0[a] * t1[a][b] * t2[d][b];
    const auto energy = make("uai", {{"file", folder + "example.uai"}});
    CHECK(energy->sites() == 4);
    CHECK(energy->categories() == 3);
    CHECK(*energy->log_z() == doctest::Approx(std::log(z)).epsilon(1e-14));
    CHECK(energy->log_density(Bytes{1, 2, 0, 1}) == doctest::Approx(std::log(1.5 * 1.2 * 0.25 * 4)));
    CHECK(energy->log_density(Bytes{0, 2, 0, 1}) == -HUGE_VAL);  // an entry of 0
    CHECK(energy->log_density(Bytes{2, 1, 0, 1}) == -HUGE_VAL);  // variable 0 has two values only
}

TEST_CASE("the example and random files equal enumeration") {
    energy_enumeration::check_exact(*make("uai", {{"file", folder + "example.uai"}}));
    energy_enumeration::check_exact(
        *make("uai", {{"file", folder + "example.uai"}, {"evidence", written("none.evid", "0")}}));
    energy_enumeration::check_text(*make("uai", {{"file", folder + "example.uai"}}));
}

TEST_CASE("a BAYES file has log Z = 0, and with evidence the log-probability of the evidence") {
    const auto prior = make("uai", {{"file", written("sprinkler.uai", sprinkler)}});
    CHECK(*prior->log_z() == doctest::Approx(0).scale(1).epsilon(1e-14));
    energy_enumeration::check_exact(*prior);
    const double wet = 0.8 * (0.6 * 0 + 0.4 * 0.9) + 0.2 * (0.99 * 0.8 + 0.01 * 0.99);
    const auto given =
        make("uai", {{"file", written("sprinkler.uai", sprinkler)}, {"evidence", written("wet.evid", "1 2 1\n")}});
    CHECK(*given->log_z() == doctest::Approx(std::log(wet)).epsilon(1e-13));
    const Bytes rain = {1, 2, 2};
    double log_p = 0;
    REQUIRE(given->log_marginals({rain, 3}, {&log_p, 1}));
    CHECK(std::exp(log_p) == doctest::Approx(0.2 * (0.99 * 0.8 + 0.01 * 0.99) / wet).epsilon(1e-12));
    CHECK(given->log_density(Bytes{0, 0, 0}) == -HUGE_VAL);
}

TEST_CASE("evidence that cannot be is refused when log Z is asked for") {
    const auto never = make(
        "uai", {{"file", written("sprinkler.uai", sprinkler)}, {"evidence", written("never.evid", "3 0 0 1 0 2 1")}});
    CHECK_THROWS_WITH(never->log_z(),
                      "every state has log f = -infinity, so there is no distribution; make some state possible");
}

TEST_CASE("an Ising chain of 5,000 variables in a file is exact at once") {
    std::string text = "MARKOV 5000";
    for (int i = 0; i < 5000; ++i) text += " 2";
    text += " 4999";
    for (int i = 0; i + 1 < 5000; ++i) text += " 2 " + std::to_string(i) + " " + std::to_string(i + 1);
    for (int i = 0; i + 1 < 5000; ++i) text += " 4 3 1 1 3";
    const auto start = std::chrono::steady_clock::now();
    const auto energy = make("uai", {{"file", written("chain.uai", text)}});
    CHECK(*energy->log_z() == doctest::Approx(std::log(2.0) + 4999 * std::log(4.0)).epsilon(1e-12));
    std::cout << "a chain of 5,000 variables, read and summed: "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s\n";
}

namespace {

const std::string shared = std::string(MARGINALIA_SOURCE_DIR) + "/../shared/cases/";

// Two variables of 2 and 3 values; Z = 0.5 * 6 + 2 * 15 by hand.
const char* const small = "MARKOV\n2\n2 3\n2\n1 0\n2 0 1\n\n2\n0.5 2\n\n6\n1 2 3\n4 5 6\n";

double log_z_of(const std::string& text, const std::string& evidence = "") {
    energy_plugin::Words words = {{"file", written("any.uai", text)}};
    if (!evidence.empty()) words["evidence"] = written("any.evid", evidence);
    return *make("uai", words)->log_z();
}

std::string refused_evidence(const std::string& text) {
    const std::string path = written("refused.evid", text);
    const std::string message =
        energy_plugin::refusal("uai", {{"file", written("any.uai", small)}, {"evidence", path}});
    return message.starts_with(path) ? message.substr(path.size()) : message;
}

}  // namespace

TEST_CASE("a file's comments, blanks, line ends and marks do not matter") {
    const double right = std::log(0.5 * 6 + 2 * 15);
    for (const char* text : {
             small,
             "MARKOV 2 2 3 2 1 0 2 0 1 2 0.5 2 6 1 2 3 4 5 6",
             "c a network\nc\nMARKOV\n2\nc cards\n2 3\n2\n1 0\n  c indented\n2 0 1\n2\n0.5 2\n6\n1 2 3\n4 5 6\nc end",
             "MARKOV # of 2016\n2#two\n2 3\n2\n1 0\n2 0 1\n2\n0.5 2\n6\n1 2 3 # first\n4 5 6\n# end",
             "\xEF\xBB\xBFMARKOV\r\n2\r\n2 3\r\n2\r\n1 0\r\n2 0 1\r\n\r\n2\r\n0.5 2\r\n\r\n6\r\n1 2 3\r\n4 5 6\r\n",
             "MARKOV\r2\r2 3\r2\r1 0\r2 0 1\r2\r0.5 2\r6\r1 2 3\r4 5 6\r",
             "MARKOV\n2\n2 3\n3\n1 0\n2 0 1\n0\n2\n5e-1 +2.0E+00\n6\n1\n2\n3\n4 5\n6\n1\n1.0\n",
         }) {
        CAPTURE(text);
        CHECK(log_z_of(text) == doctest::Approx(right).epsilon(1e-13));
        energy_enumeration::check_exact(*make("uai", {{"file", written("any.uai", text)}}));
    }
    CHECK(energy_plugin::refusal("uai", {{"file", written("zero.uai",
                                                          "MARKOV 1 2 1 1 0 2 1 \xE2\x80\x8B"
                                                          "2")}})
              .ends_with("should be a finite number, not 'U+200B2'"));
}

TEST_CASE("evidence of every round of the competition") {
    const double right = std::log(2 * 5.0), first = std::log(2 * 15.0);
    for (const char* text : {"2 0 1 1 1\n", "2 1 1 0 1", "1\n2 0 1 1 1\n", "1 2 0 1 1 1",
                             "\xEF\xBB\xBF"
                             "1\r\n2 0 1 1 1\r\n",
                             "c evidence\n2\n0 1\n1 1 # both\n", "2\r0 1\r1 1\r"}) {
        CAPTURE(text);
        CHECK(log_z_of(small, text) == doctest::Approx(right).epsilon(1e-13));
    }
    for (const char* text : {"1 0 1\n", "1\n1 0 1\n", "1 1 0 1"})
        CHECK(log_z_of(small, text) == doctest::Approx(first).epsilon(1e-13));
    for (const char* text : {"0\n", "1\n0\n", "1 0"})
        CHECK(log_z_of(small, text) == doctest::Approx(std::log(33.0)).epsilon(1e-13));

    CHECK(refused_evidence("2\n1 0 1\n1 1 2\n") ==
          ": it holds 2 samples of evidence (UAI 2008 and 2010); give a file of one of them");
    CHECK(refused_evidence("2\n1 0 1\n0\n") ==
          ": it holds 2 samples of evidence (UAI 2008 and 2010); give a file of one of them");
    // Variables 1 and 0 observed as 0, or two samples: variable 0 observed as 0, and nothing.
    CHECK(refused_evidence("2\n1 0 0\n0\n") ==
          ": this can be read as 2 observed variables (UAI 2014 to 2022) or as 2 samples of evidence, each on its line "
          "(UAI 2008 and 2010); "
          "give one sample, on one line: how many variables are observed, then each with its value");
    CHECK(log_z_of(small, "2 1 0 0 0") == doctest::Approx(std::log(0.5 * 1)).epsilon(1e-13));
    CHECK(refused_evidence("1\n1 0 5\n") == ":2:5: the value of variable 0 is 5; it must be from 0 to 1");
    CHECK(refused_evidence("1 0 x\n") == ":1:5: a number of the evidence should be a whole number, not 'x'");
}

TEST_CASE("rows of a BAYES file that rounding changed are normalised and named") {
    const auto rounded =
        make("uai", {{"file", written("rounded.uai",
                                      "BAYES\n2\n2 3\n2\n1 0\n2 0 1\n2\n0.25 0.75\n6\n0.33 0.33 0.33 0.2 0.3 0.5\n")}});
    CHECK(*rounded->log_z() == doctest::Approx(0).scale(1).epsilon(1e-14));
    CHECK(rounded->report() == "entries 0 to 2 of factor 1 (0.99) did not add up to 1 and were normalised");
    CHECK(rounded->log_density(Bytes{0, 1}) == doctest::Approx(std::log(0.25 / 3)).epsilon(1e-14));
    energy_enumeration::check_exact(*rounded);
    CHECK(make("uai", {{"file", written("sprinkler.uai", sprinkler)}})->report() == "");
}

TEST_CASE("a row of zeros is read under a parent that cannot be, and refused under one that can") {
    const auto text = [](const char* parent) {
        return std::string("BAYES\n2\n2 3\n2\n1 0\n2 0 1\n2\n") + parent + "\n6\n0.1 0.2 0.7 0 0 0\n";
    };
    const auto never = make("uai", {{"file", written("never.uai", text("1.0 0.0"))}});
    CHECK(*never->log_z() == doctest::Approx(0).scale(1).epsilon(1e-14));
    CHECK(never->report() == "entries 3 to 5 of factor 1 add up to 0");
    CHECK(never->log_density(Bytes{0, 1}) == doctest::Approx(std::log(0.2)).epsilon(1e-14));
    CHECK(never->log_density(Bytes{1, 1}) == -HUGE_VAL);
    const std::string path = written("possible.uai", text("0.5 0.5"));
    CHECK(energy_plugin::refusal("uai", {{"file", path}}) ==
          path +
              ": entries 3 to 5 of factor 1 add up to 0, but their parents' values are possible, so that the tables "
              "make no distribution "
              "(log Z = -0.693147); correct those rows, or write MARKOV in place of BAYES");
}

TEST_CASE("the cases from the field, where they are") {
    if (!std::filesystem::exists(shared)) {
        MESSAGE("skipped: there is no " << shared);
        return;
    }
    const auto log_z = [](const char* name) { return *make("uai", {{"file", shared + name}})->log_z(); };
    CHECK(log_z("comment_c.uai") == doctest::Approx(2.881736).epsilon(1e-6));
    CHECK(log_z("comment_hash.uai") == doctest::Approx(2.881736).epsilon(1e-6));
    CHECK(log_z("bayes_033.uai") == doctest::Approx(0).scale(1).epsilon(1e-14));
    CHECK(log_z("bayes_zero_row.uai") == doctest::Approx(0).scale(1).epsilon(1e-14));
}

}  // namespace uai_energy
