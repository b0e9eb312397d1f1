// Trainings that end before their last step, or stop on the way and go on.
#include <doctest/doctest.h>

#include "tests/worker/trial_fixture.h"

namespace train_stop {

using namespace marginalia;

namespace {

TrialRequest small(const std::string& train, const std::string& stop = "") {
    TrialRequest request = request_of(
        "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\nplugin = \"mlp\"\nhidden = 8\n"
        "layers = 2\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[evaluation]\n"
        "samples = 100\nquick_samples = 100\nnll_samples = 0\nmarginal_states = 0\n[train]\nbatch = 8\n" +
        train + "\n");
    if (!stop.empty())
        request.stop = parse_experiment(
                           "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\n"
                           "plugin = \"mlp\"\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = "
                           "\"mam-energy\"\n[train]\n" +
                               train + "\n[stop]\n" + stop,
                           "test.toml", {}, shipped_plugins().catalogue())
                           .stop;
    return request;
}

// Of a metric that no clock is in.
std::map<std::pair<std::string, std::int64_t>, double> curves(const MemoryRecorder& recorder) {
    auto metrics = recorder.metrics;
    std::erase_if(metrics, [](const auto& point) { return point.first.first.ends_with("_seconds"); });
    return metrics;
}

const std::string asha = "rule = \"asha\"\nleast_steps = 7\n";

}  // namespace

TEST_CASE("a trial that stopped at a rung and goes on is the unbroken one, bit for bit") {
    MemoryRecorder whole, parts;
    REQUIRE(run_trial(small("steps = 30\nlog_every = 1"), shipped_plugins(), whole) == TrialOutcome::done);

    TrialRequest request = small("steps = 30\nlog_every = 1", asha + "metric = \"loss\"\n");
    request.stop_at = 7;
    REQUIRE(run_trial(request, shipped_plugins(), parts) == TrialOutcome::reached);
    REQUIRE(parts.checkpoints.size() == 1);
    CHECK(parts.checkpoints[0].first == 7);
    CHECK(parts.metrics.contains({"loss", 7}));
    CHECK_FALSE(parts.metrics.contains({"kl", 7}));  // what is looked at has been recorded: no evaluation
    request.checkpoint = parts.checkpoints[0].second;
    SUBCASE("asked for the same rung again, it is there") {
        MemoryRecorder again;
        CHECK(run_trial(request, shipped_plugins(), again) == TrialOutcome::reached);
        CHECK(again.checkpoints.empty());
        CHECK(again.metrics.empty());
    }
    request.stop_at = 0;
    REQUIRE(run_trial(request, shipped_plugins(), parts) == TrialOutcome::done);
    CHECK(curves(parts) == curves(whole));
    CHECK(parts.checkpoints.back().first == 30);
}

TEST_CASE("a rung has the evaluation that its metric needs") {
    TrialRequest request = small("steps = 30", asha + "metric = \"kl\"\n");
    request.stop_at = 7;
    MemoryRecorder recorder;
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::reached);
    CHECK(recorder.metrics.contains({"kl", 7}));
    CHECK(recorder.metrics.contains({"loss", 7}));
    SUBCASE("one that is broken off is made up for, and then the rung is reached") {
        MemoryRecorder stopped;
        stopped.stop_after = 7;
        CHECK(run_trial(request, shipped_plugins(), stopped) == TrialOutcome::stopped);
        CHECK_FALSE(stopped.metrics.contains({"kl", 7}));
        request.checkpoint = stopped.checkpoints.back().second;
        MemoryRecorder resumed;
        CHECK(run_trial(request, shipped_plugins(), resumed) == TrialOutcome::reached);
        CHECK(resumed.metrics.at({"kl", 7}) == recorder.metrics.at({"kl", 7}));
    }
}

TEST_CASE("a metric that is not recorded where trials are compared fails, with the nearest name") {
    TrialRequest request = small("steps = 30", asha + "metric = \"klx\"\n");
    request.stop_at = 7;
    MemoryRecorder recorder;
    CHECK_THROWS_WITH(
        run_trial(request, shipped_plugins(), recorder),
        doctest::Contains("'stop.metric' = \"klx\" is not recorded at step 7, where trials are compared; did "
                          "you mean 'kl'? Recorded are: "));
    CHECK(recorder.checkpoints.empty());
}

TEST_CASE("a training is over once its metric has not improved for long enough, resumed or not") {
    // The first value is the best there can be by that improvement, so step 1 + 12 is the last.
    const std::string stop = "plateau = 12\nimprovement = 1e9\nmetric = \"loss\"\n";
    const TrialRequest request = small("steps = 100\nlog_every = 1", stop);
    MemoryRecorder whole;
    CHECK(run_whole_trial(request, shipped_plugins(), whole) == TrialOutcome::done);
    CHECK(whole.checkpoints.back().first == 13);
    CHECK_FALSE(whole.metrics.contains({"loss", 14}));
    CHECK(
        whole.samples.at("note").starts_with("the training is over at step 13 of 100, as loss has not improved by "
                                             "1e+09 for 12 steps: its best is "));
    CHECK(whole.samples.at("note").ends_with(", of step 1"));
    CHECK(whole.metrics.contains({"kl", 13}));  // of the evaluation that followed
    CHECK(whole.finals.contains("kl"));

    MemoryRecorder parts;
    parts.stop_after = 5;
    CHECK(run_trial(request, shipped_plugins(), parts) == TrialOutcome::stopped);
    parts.stop_after = -1;
    TrialRequest rest = request;
    rest.checkpoint = parts.checkpoints.back().second;
    CHECK(run_whole_trial(rest, shipped_plugins(), parts) == TrialOutcome::done);
    CHECK(curves(parts) == curves(whole));
    CHECK(parts.samples.at("note") == whole.samples.at("note"));

    SUBCASE("its last checkpoint is that of a finished training") {
        rest.checkpoint = whole.checkpoints.back().second;
        MemoryRecorder again;
        CHECK(run_trial(rest, shipped_plugins(), again) == TrialOutcome::done);
        CHECK(again.checkpoints.empty());
    }
}

TEST_CASE("a step that is not finite is of a type of its own, and a trial may go on with a part of its rate") {
    MemoryRecorder recorder;
    CHECK_THROWS_AS(run_trial(small("steps = 30\nlearning_rate = 1e38"), shipped_plugins(), recorder), NotFinite);

    TrialRequest request = small("steps = 3\nlog_every = 1\nlearning_rate = 0.01\nschedule = \"constant\"");
    request.rate = 0.1;
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    CHECK(recorder.metrics.at({"learning_rate", 2}) == doctest::Approx(0.001));
    CHECK(recorder.samples.at("learning_rate") == "0.1 of train.learning_rate, as a step was not finite");
}

}  // namespace train_stop
