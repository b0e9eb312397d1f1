// Help with names that are misspelt.
#include <doctest/doctest.h>

#include "kernel/spec/nearest.h"

using namespace marginalia;

TEST_CASE("of many names the five nearest are listed, of few all") {
    const std::vector<std::string> few = {"kl", "ess", "loss"};
    CHECK(suggestion("kll", few, "metrics") == "; did you mean 'kl'? metrics: kl, ess, loss");
    std::vector<std::string> many = few;
    for (int i = 0; i < 30; ++i) many.push_back("observable.number_" + std::to_string(i));
    CHECK(suggestion("klx", many, "metrics").starts_with("; did you mean 'kl'? metrics: kl, ess, loss, "));
    CHECK(suggestion("klx", many, "metrics").ends_with(" and 28 more"));
    CHECK(listed_by_nearness("observable.number_2", many).starts_with("observable.number_2, observable.number_20, "));
}
