// [stop]: what it may say, and what cannot work.
#include <doctest/doctest.h>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace {

Experiment with_stop(const std::string& stop, const std::string& more = "") {
    return parse(small_experiment("[train]\nsteps = 100\n" + more + "[stop]\n" + stop));
}

}  // namespace

TEST_CASE("[stop] is read with its defaults, and is no part of a trial's identity") {
    const Experiment plain = parse(small_experiment("[train]\nsteps = 100\n"));
    CHECK(plain.stop == StopSettings{});
    const Experiment e = with_stop("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 10\n");
    CHECK(e.stop.is_asha());
    CHECK(e.stop.reduction == 3);
    CHECK(e.stop.wait);
    CHECK(e.stop.direction() == Goal::low);
    CHECK(e.trials[0].hash == plain.trials[0].hash);
    CHECK_FALSE(e.trials[0].config.contains("stop"));
    CHECK(nlohmann::json(e.stop).get<StopSettings>() == e.stop);
    CHECK(with_stop("plateau = 5\nmetric = \"loss\"\ngoal = \"max\"\n").stop.direction() == Goal::high);
}

TEST_CASE("what cannot work in [stop] is one sentence with its place") {
    const auto faults = [](const std::string& stop, const std::string& more, const std::string& sentence) {
        CAPTURE(stop);
        CHECK_THROWS_WITH(with_stop(stop, more), doctest::Contains(sentence.c_str()));
    };
    faults("rul = \"asha\"\n", "", "unknown key 'rul' in [stop]; did you mean 'rule'?");
    faults("rule = \"hyperband\"\n", "", "'stop.rule' cannot be \"hyperband\"");
    faults("reduction = 1\n", "", "'stop.reduction'");
    faults("rule = \"asha\"\nleast_steps = 10\n", "",
           "[stop] does not say which metric is looked at; add metric = \"kl\", \"loss\" or another");
    faults("metric = \"kl\"\n", "", "[stop] has a metric, but nothing that looks at it; add rule = \"asha\"");
    faults("rule = \"asha\"\nmetric = \"kl\"\n", "",
           "'stop.rule' = \"asha\" needs least_steps, the number of steps before which no trial is stopped; add it");
    faults("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 100\n", "",
           "'stop.least_steps' = 100 must be below train.steps = 100, or no trial is ever stopped");
    faults("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 10\n", "[sweep]\n\"train.steps\" = [100, 200]\n",
           "'stop.rule' = \"asha\" compares trials of equal length, but some of these have 100 steps and others 200");
    faults("rule = \"median\"\nmetric = \"gradient_norm\"\nleast_steps = 10\n", "",
           "of 'stop.metric' = \"gradient_norm\" it is not known which values are better; add goal = \"min\"");
    faults("rule = \"median\"\nmetric = \"kl\"\nleast_steps = 10\n", "",
           "'stop.metric' = \"kl\" is recorded by quick evaluations, and evaluation.every = 0 makes none");
    faults("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 10\n", "[evaluation]\nquick_samples = 0\n",
           "'stop.metric' = \"kl\" is a figure of quick evaluations, which evaluation.quick_samples = 0 turns off");
    faults("improvement = 0.1\n", "", "'stop.improvement' is what ends a plateau; add plateau = 500");
    faults("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 10\n", "[sweep]\n\"stop.reduction\" = [2, 3]\n",
           "'stop.reduction' cannot be swept: [stop] sets how trials are run, not what they compute");
    CHECK_THROWS_WITH(with_stop("rule = \"asha\"\nmetric = \"kl\"\nleast_steps = 1000\n"),
                      doctest::Contains("small.toml:"));
    CHECK_NOTHROW(with_stop("rule = \"median\"\nmetric = \"loss\"\nleast_steps = 10\n"));
    CHECK_NOTHROW(
        with_stop("rule = \"median\"\nmetric = \"loss\"\nleast_steps = 10\n", "[sweep]\n\"train.steps\" = [100, 5]\n"));
}
