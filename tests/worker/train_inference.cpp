// sample, complete and marginals of a model, against the model itself.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/spec/precision.h"
#include "kernel/worker/answer/trained_model.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/as_trained.h"
#include "kernel/worker/train/optimizer.h"
#include "tests/worker/inference_fixture.h"

namespace train_inference {

using namespace marginalia;
using inference_fixture::answer;
using inference_fixture::failure;
using inference_fixture::lines;
using inference_fixture::shake;
using nlohmann::json;

namespace {

const std::string lattice = R"(
name = "small"
[energy]
plugin = "ising"
rows = 2
columns = 2
[network]
plugin = "mlp"
hidden = 16
layers = 2
[sampler]
plugin = "block-gibbs"
)";
const std::string marginal_model = lattice + "[objective]\nplugin = \"mam-energy\"\n[train]\nema = 0.9\n";

// A request about a finished training of such a model.
InferenceRequest about(InferenceRequest::Verb verb, const std::string& experiment = marginal_model) {
    return inference_fixture::about(verb, experiment);
}

InferenceRequest completing(const std::string& given, std::int64_t count) {
    InferenceRequest request = about(InferenceRequest::Verb::complete);
    request.states = given;
    request.states_are_text = true;
    request.count = count;
    return request;
}

std::string file_of(const std::string& name, const std::string& text) {
    const std::string path = (std::filesystem::temp_directory_path() / ("train_inference_" + name)).string();
    std::ofstream(path) << text;
    return path;
}

// log p_φ(x_site = 1 | the row), straight from the network.
double log_one(const TrainedModel& trained, std::vector<std::int64_t> row, std::int64_t site) {
    const at::Tensor logits = trained.parts.network->conditional_logits(at::tensor(row, at::kLong).unsqueeze(0));
    return logits.log_softmax(2, at::kDouble)[0][site][1].item<double>();
}

}  // namespace

TEST_CASE("sampled states follow the model, and their log p is its own, in either precision") {
    InferenceRequest request = about(InferenceRequest::Verb::sample);
    request.count = 4000;
    request.batch = 1500;  // the last batch is smaller
    SUBCASE("float32") {}
    SUBCASE("bfloat16") { request.precision = "bfloat16"; }
    const auto drawn = lines(answer(request));
    REQUIRE(drawn.size() == 4000);
    // Along each order the sum of p(x) / p(x) counts the 16 states, so that the mean of 1 / p over draws is 16.
    double inverse = 0, deviation = 0;
    for (const json& line : drawn) inverse += std::exp(-line["log_p"].get<double>());
    inverse /= 4000;
    for (const json& line : drawn) deviation += std::pow(std::exp(-line["log_p"].get<double>()) - inverse, 2);
    CHECK(std::abs(inverse - 16) < 5 * std::sqrt(deviation) / 4000);
    CHECK(deviation > 1);                                    // not all alike
    CHECK(drawn[0]["text"].get<std::string>().size() == 5);  // "+-/-+"
}

TEST_CASE("the same seed gives the same states, another one others") {
    InferenceRequest request = about(InferenceRequest::Verb::sample);
    request.count = 20;
    const std::string first = answer(request);
    CHECK(answer(request) == first);
    request.trial.seed = 1;
    CHECK(answer(request) != first);
}

TEST_CASE("known sites stay as they are, and the log p of a single unknown one is the conditional") {
    const InferenceRequest request = completing("+_/-+", 300);
    const auto drawn = lines(answer(request));
    REQUIRE(drawn.size() == 300);
    const at::NoGradGuard no_grad;
    const TrainedModel trained = load_model(request, shipped_plugins(), [] {});
    const double one = log_one(trained, {1, 2, 0, 1}, 1);
    int ones = 0;
    for (const json& line : drawn) {
        const std::vector<int> x = line["states"];
        CHECK(line["given"] == "+□/-+");
        CHECK((x[0] == 1 && x[2] == 0 && x[3] == 1));
        const double expected = x[1] == 1 ? one : std::log1p(-std::exp(one));
        CHECK(line["log_p"].get<double>() == doctest::Approx(expected).epsilon(1e-6));
        ones += x[1];
    }
    const double p = std::exp(one);
    REQUIRE((p > 0.05 && p < 0.95));
    CHECK(std::abs(ones / 300.0 - p) < 5 * std::sqrt(p * (1 - p) / 300));
}

TEST_CASE("each given state is completed in turn, whatever the batch") {
    InferenceRequest request = about(InferenceRequest::Verb::complete);
    request.states = file_of("given.txt", "+_/__\n\n__/_-\n++/--\n");
    request.count = 3;
    for (const std::int64_t batch : {1, 2, 4, 100}) {
        request.batch = batch;
        const auto drawn = lines(answer(request));
        REQUIRE(drawn.size() == 9);
        for (std::size_t i = 0; i < 9; ++i) CHECK(drawn[i]["given"] == (i < 3 ? "+□/□□" : i < 6 ? "□□/□-" : "++/--"));
        for (std::size_t i = 0; i < 3; ++i) CHECK(drawn[i]["states"][0] == 1);
        for (std::size_t i = 3; i < 6; ++i) CHECK(drawn[i]["states"][3] == 0);
        CHECK(drawn[6]["states"] == json{1, 1, 0, 0});  // nothing to fill in
        CHECK(drawn[6]["log_p"] == 0);
    }
}

TEST_CASE("log-marginals are those of score, and the network's own") {
    InferenceRequest request = about(InferenceRequest::Verb::marginals);
    request.states = file_of("states.txt", "+_/__\n__/__\n+-/-+\n__/_-\n++/__\n");
    request.batch = 2;
    const auto asked = lines(answer(request));
    REQUIRE(asked.size() == 5);
    request.verb = InferenceRequest::Verb::score;
    request.batch = 1024;
    const auto scored = lines(answer(request));
    REQUIRE(scored.size() == asked.size());
    for (std::size_t row = 0; row < asked.size(); ++row)
        CHECK(asked[row]["log_marginal"].get<double>() ==
              doctest::Approx(scored[row]["log_marginal"].get<double>()).epsilon(1e-6));
    CHECK(asked[1]["log_marginal"] == 0);  // nothing is known
    CHECK(asked[2]["text"] == "+-/-+");
    const at::NoGradGuard no_grad;
    const TrainedModel trained = load_model(request, shipped_plugins(), [] {});
    const at::Tensor x = at::tensor(std::vector<std::int64_t>{1, 0, 0, 1}, at::kLong).unsqueeze(0);
    const double own = trained.parts.network->log_marginal(x).item<double>();
    CHECK(asked[2]["log_marginal"].get<double>() == doctest::Approx(own).epsilon(1e-6));
    CHECK(std::abs(own) > 0.1);
}

TEST_CASE("a model is drawn from in the precision of its training, where the processor has it, or as is asked for") {
    CheckpointState state;
    CHECK_FALSE(draws_in_bfloat16("auto", state, at::kCPU));  // of a build that did not say
    for (const bool trained : {false, true}) {
        state.parts["precision"] = {{"bfloat16", at::scalar_tensor(trained, at::kLong)}};
        CHECK(draws_in_bfloat16("auto", state, at::kCPU) == (trained && processor_has_bfloat16()));
        CHECK(draws_in_bfloat16("bfloat16", state, at::kCPU));
        CHECK_FALSE(draws_in_bfloat16("float32", state, at::kCPU));
    }
    InferenceRequest request = about(InferenceRequest::Verb::score);
    request.states = file_of("precision.txt", "+-/-+\n--/-+\n");
    const std::string exact = answer(request);
    request.precision = "bfloat16";
    const std::string rounded = answer(request);
    CHECK(rounded != exact);  // the densities
    for (std::istringstream a(exact), b(rounded); a && b;) {
        std::string left, right;
        std::getline(a, left), std::getline(b, right);
        CHECK(left.substr(0, left.rfind(',')) == right.substr(0, right.rfind(',')));  // not the marginals
    }
}

TEST_CASE("an unfinished training is asked by its averaged weights, as its evaluation does") {
    InferenceRequest request;
    request.trial = request_of(marginal_model);
    const TrialParts parts = build_model(request.trial, shipped_plugins());
    shake(parts);
    std::vector<at::Tensor> all = parts.network->parameters();
    for (const at::Tensor& own : parts.objective->parameters()) all.push_back(own);
    Optimizer optimizer(all, request.trial.settings.train);
    const at::NoGradGuard no_grad;
    const at::Tensor averaged = all[0].detach().clone();  // the averages are where the weights were at first
    for (at::Tensor weights : all) weights.add_(1);
    CheckpointState state{1, {{"objective", parts.objective->state()}, {"optimizer", optimizer.state()}}};
    request.trial.checkpoint = save_checkpoint(*parts.network, "{}", state);
    CHECK(at::equal(load_model(request, shipped_plugins(), [] {}).parts.network->parameters()[0], averaged));
    state.parts.erase("optimizer");  // a finished one: the weights as they are
    request.trial.checkpoint = save_checkpoint(*parts.network, "{}", state);
    CHECK(at::equal(load_model(request, shipped_plugins(), [] {}).parts.network->parameters()[0], averaged + 1));
}

TEST_CASE("what cannot be answered is one sentence") {
    CHECK(failure(completing("+_/-", 1)) ==
          "'+_/-' is neither a file nor a state: it has 3 symbols where a state has 4 sites");
    CHECK(failure(completing("+_/-x", 1)) ==
          "'+_/-x' is neither a file nor a state: symbol 4 is 'x'; it must be - +, or □ or _ (unknown)");
    InferenceRequest request = about(InferenceRequest::Verb::complete);
    request.count = 1;
    request.states = file_of("bad.txt", "++/++\n+_/-\n");
    CHECK(failure(request) == request.states + ":2: it has 3 symbols where a state has 4 sites");
    request.states = file_of("none.txt", "\n");
    CHECK(failure(request) == request.states + " holds no states; give at least one");

    request = about(InferenceRequest::Verb::marginals, lattice + "[objective]\nplugin = \"arm\"\n");
    request.states = file_of("one.txt", "++/++\n");
    CHECK(failure(request) ==
          "objective 'arm' does not train log p of partial states in one pass, so that it says nothing; `marginalia "
          "score` "
          "gives log_density");
    request.verb = InferenceRequest::Verb::complete;
    request.count = 1;
    request.states = file_of("last.txt", "__/_+\n");
    CHECK(failure(request) ==
          "a model of a fixed order cannot complete a state whose known sites are not the first ones; give states "
          "whose first sites are known, or train an any-order model");
}

TEST_CASE("a file is written whole and named, or not at all") {
    const auto folder = std::filesystem::temp_directory_path() / "train_inference_out";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    InferenceRequest request = about(InferenceRequest::Verb::sample);
    request.label = "trial 1";
    request.count = 3;
    request.output = {StateFormat::text, (folder / "x.txt").string(), {}};
    CHECK(answer(request) == request.output.file + "\n");
    std::ifstream file(request.output.file);
    std::string line;
    for (int i = 0; i < 3; ++i) CHECK(std::getline(file, line));
    CHECK(!std::getline(file, line));
    request = completing("+_/-", 1);
    request.output = {StateFormat::text, (folder / "y.txt").string(), {}};
    CHECK(failure(request) != "");
    CHECK(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()) == 1);
    std::filesystem::remove_all(folder);
}

}  // namespace train_inference
