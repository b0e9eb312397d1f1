// Questions about a model of data, without the data.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/worker/answer/inference.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/row_description.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_described {

using namespace marginalia;
using nlohmann::json;

namespace {

// Rows of 2 x 2 symbols out of three, in a file that can be taken away.
class Trained {
public:
    Trained() {
        std::ofstream file(path_);
        for (int i = 0; i < 30; ++i) file << i % 3 << ',' << i % 2 << ',' << i % 3 << ",2\n";
        file.close();
        request_.verb = InferenceRequest::Verb::sample;
        request_.count = 5;
        request_.trial =
            request_of("name = \"t\"\n[dataset]\nplugin = \"table\"\nshape = \"2,2\"\nfile = \"" + path_.string() +
                       "\"\n[network]\nplugin = \"mlp\"\nhidden = 8\nlayers = 1\n[objective]\n"
                       "plugin = \"ao-arm\"\n[train]\nsteps = 2\nbatch = 4\n");
        MemoryRecorder recorder;
        run_trial(request_.trial, shipped_plugins(), recorder);
        request_.trial.checkpoint = recorder.checkpoints.back().second;
    }
    ~Trained() { take_away(); }

    void take_away() const { std::filesystem::remove(path_); }
    void forget_description() {
        const TrialParts parts = build_model(request_.trial, shipped_plugins());
        request_.trial.checkpoint =
            save_checkpoint(*parts.network, "{}", {2, {{"objective", parts.objective->state()}}});
    }
    std::string answer() const {
        std::ostringstream out;
        infer(request_, shipped_plugins(), out);
        return std::move(out).str();
    }
    const InferenceRequest& request() const { return request_; }

private:
    const std::filesystem::path path_ = std::filesystem::temp_directory_path() / "train_described.csv";
    InferenceRequest request_;
};

json whole_description() {
    return {{"domain", {{"sites", 6}, {"categories", 2}, {"shape", {2, 3}}, {"periodic", false}}},
            {"vocabulary", {"a", "b"}}};
}

}  // namespace

TEST_CASE("a model is asked without the rows that it learnt from") {
    Trained trained;
    const std::string with_rows = trained.answer();
    CHECK(std::count(with_rows.begin(), with_rows.end(), '\n') == 5);
    trained.take_away();
    CHECK(trained.answer() == with_rows);
    CheckpointState state;
    const TrialParts parts = load_trained(trained.request().trial, shipped_plugins(), DataRows::not_needed, state);
    CHECK(parts.dataset->size(Split::train) == 0);
    CHECK(parts.domain.sites == 4);
    CHECK(parts.domain.categories == 3);
    CHECK(parts.domain.layout.shape == std::vector<std::int64_t>{2, 2});
}

TEST_CASE("a checkpoint that describes no dataset asks for its files") {
    Trained trained;
    trained.forget_description();
    CHECK_NOTHROW(trained.answer());
    trained.take_away();
    CHECK_THROWS_WITH_AS(trained.answer(), doctest::Contains("train_described.csv"), Error);
}

TEST_CASE("what evaluates a model needs the rows") {
    const Trained trained;
    trained.take_away();
    CheckpointState state;
    CHECK_THROWS_WITH_AS(load_trained(trained.request().trial, shipped_plugins(), DataRows::needed, state),
                         doctest::Contains("train_described.csv"), Error);
}

TEST_CASE("a description is taken whole or not at all") {
    const auto described = row_description(whole_description().dump());
    REQUIRE(described);
    CHECK(described->layout.shape == std::vector<std::int64_t>{2, 3});
    CHECK(described->vocabulary == std::vector<std::string>{"a", "b"});
    const std::vector<std::pair<const char*, json>> wrong = {
        {"/domain/sites", 7},
        {"/domain/sites", "6"},
        {"/domain/categories", 1},
        {"/domain/categories", 256},
        {"/domain/shape", {0, 6}},
        {"/domain/shape", {-2, -3}},
        {"/domain/shape", {std::int64_t{1} << 62, 4, 6}},
        {"/domain/shape", json::array()},
        {"/domain/periodic", nullptr},
        {"/vocabulary", {"a"}},
        {"/vocabulary", {"a", "a"}},
        {"/vocabulary", {"a", ""}},
        {"/vocabulary", {"a", "\x1b[2J"}},
        {"/vocabulary", {"a", std::string(1000, 'b')}},
    };
    for (const auto& [place, value] : wrong) {
        json changed = whole_description();
        changed[json::json_pointer(place)] = value;
        INFO(changed.dump());
        CHECK_FALSE(row_description(changed.dump()));
    }
    CHECK_FALSE(row_description("{}"));
    CHECK_FALSE(row_description("{"));
    CHECK_FALSE(row_description("[3]"));
}

}  // namespace train_described
