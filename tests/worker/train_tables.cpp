// Tables of real numbers and words with missing cells: learnt, evaluated and asked about.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numbers>
#include <random>

#include <ATen/ATen.h>

#include "kernel/worker/answer/trained_model.h"
#include "kernel/worker/model/table_states.h"
#include "tests/worker/inference_fixture.h"

namespace train_tables {

using namespace inference_fixture;

namespace {

// y is 2 + 3 x and normal noise, in units far from 1; `word` is the sign of x. One cell of ten is missing.
class TableFile {
public:
    explicit TableFile(bool missing) {
        std::mt19937 random(7);
        std::normal_distribution<double> normal;
        std::uniform_real_distribution<double> uniform;
        std::ofstream file(path_);
        file << "x,y,word\n";
        for (int i = 0; i < 600; ++i) {
            const double x = normal(random), y = 2 + 3 * x + normal(random);
            const auto cell = [&](const std::string& text) { return missing && uniform(random) < 0.1 ? "NA" : text; };
            file << cell(std::to_string(100 * x)) << ',' << cell(std::to_string(y)) << ','
                 << cell(x < 0 ? "minus" : "plus") << '\n';
        }
    }
    ~TableFile() { std::filesystem::remove(path_); }

    std::string experiment(const std::string& objective, const std::string& train = "steps = 3\nbatch = 32\n",
                           const std::string& network = "plugin = \"mlp\"\nhidden = 32\nlayers = 2\n") const {
        return "name = \"t\"\n[dataset]\nplugin = \"table\"\ncolumns = \"auto\"\nfile = \"" + path_.string() +
               "\"\n[network]\n" + network + "[objective]\n" + objective + "[train]\n" + train;
    }

private:
    const std::filesystem::path path_ =
        std::filesystem::temp_directory_path() / ("train_tables_" + std::to_string(getpid()) + ".csv");
};

InferenceRequest trained(const std::string& experiment, MemoryRecorder& recorder) {
    InferenceRequest request;
    request.trial = request_of(experiment);
    run_whole_trial(request.trial, shipped_plugins(), recorder);
    request.trial.checkpoint = recorder.checkpoints.back().second;
    request.output.format = StateFormat::json;
    return request;
}

constexpr double infinite = std::numeric_limits<double>::infinity();

// x = 10 + 2 u and y = 5 + 3 (0.8 u + 0.6 e), u and e standard normal.
std::string gaussian_table() {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("train_tables_gaussian_" + std::to_string(getpid()) + ".csv");
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    std::ofstream file(path);
    file << "x,y\n";
    for (int i = 0; i < 4000; ++i) {
        const double u = normal(random), e = normal(random);
        file << 10 + 2 * u << ',' << 5 + 3 * (0.8 * u + 0.6 * e) << '\n';
    }
    return path.string();
}

double normal_between(double low, double high, double mean, double deviation) {
    const auto below = [&](double value) { return 0.5 * std::erfc((mean - value) / deviation / std::sqrt(2.0)); };
    return below(high) - below(low);
}

}  // namespace

TEST_CASE("rows with missing cells are learnt from, and the figures are of the cells that are there") {
    const TableFile file(true);
    MemoryRecorder recorder;
    trained(file.experiment("plugin = \"ao-arm\"\n",
                            "steps = 200\nbatch = 64\nlearning_rate = 5e-3\n[evaluation]\nevery = 100\n"),
            recorder);
    // The entropies of x, scaled, of y given x and of the word: 1.42, 1.42 - log(√10) and 0.
    const double entropy = 1.419 + 1.419 - std::log(std::sqrt(10.0));
    CHECK(recorder.finals.at("nll_scaled") > 0.7 * entropy);
    CHECK(recorder.finals.at("nll_scaled") < 1.3 * entropy + 0.3);
    CHECK(recorder.finals.at("nll") - recorder.finals.at("nll_scaled") ==
          doctest::Approx(0.9 * (std::log(100.0) + std::log(std::sqrt(10.0)))).epsilon(0.1));
    CHECK(recorder.metrics.contains({"validation_nll_scaled", 100}));
    CHECK_FALSE(recorder.finals.contains("nll_bits"));
    CHECK(recorder.samples.at("dataset").find("600 rows of 3 columns: 480 for training") == 0);
    CHECK(recorder.samples.at("samples").starts_with("        x          y       word\n"));
    CHECK(std::ranges::count(recorder.samples.at("samples"), '\n') == 17);
}

TEST_CASE("rows are sampled, completed and scored in the units and words of the columns") {
    const TableFile file(false);
    MemoryRecorder recorder;
    InferenceRequest request = trained(file.experiment("plugin = \"mam-joint\"\n"), recorder);
    request.verb = InferenceRequest::Verb::sample;
    request.count = 20;
    double largest = 0;
    for (const nlohmann::json& line : lines(answer(request))) {
        largest = std::max(largest, std::abs(line.at("row").at("x").get<double>()));
        const std::string word = line.at("row").at("word");
        CHECK((word == "plus" || word == "minus"));
    }
    CHECK(largest > 50);
    CHECK(largest < 1000);
    request.verb = InferenceRequest::Verb::complete;
    request.states = "x=50, word=plus";
    request.states_are_text = true;
    request.count = 3;
    const auto completed = lines(answer(request));
    CHECK(completed.size() == 3);
    CHECK(completed[0].at("given").dump() == R"({"word":"plus","x":50})");
    CHECK(completed[2].at("row").at("x").get<double>() == doctest::Approx(50).epsilon(1e-6));
}

TEST_CASE("log p of a row's parts add up, in the units of the columns") {
    const TableFile file(false);
    MemoryRecorder recorder;
    InferenceRequest request = trained(file.experiment("plugin = \"mam-joint\"\n"), recorder);
    request.states_are_text = true;
    const auto asked = [&](InferenceRequest::Verb verb, const std::string& row) {
        request.verb = verb;
        request.states = row;
        return lines(answer(request)).at(0);
    };
    // One known site: log p by marginals and by the completion of its neighbour are those of the scaled column.
    request.count = 1;
    const nlohmann::json marginal = asked(InferenceRequest::Verb::marginals, "x=50");
    const at::NoGradGuard no_grad;
    const TrainedModel model = load_model(request, shipped_plugins(), [] {});
    const std::vector<Site> sites = model.parts.dataset->site_list();
    const TableStates states(sites, model.parts.domain.categories);
    const at::Tensor x = states.states(std::vector<double>{50, std::nan(""), std::nan("")});
    const double scaled = model.model->log_marginal(x).item<double>();
    CHECK(marginal.at("log_marginal").get<double>() ==
          doctest::Approx(scaled - std::log(sites[0].scale)).epsilon(1e-5));
    CHECK(states.cells(x)[0] == doctest::Approx(50).epsilon(1e-6));
}

TEST_CASE("the probability of an interval is the integral of the density, and sets of words add up") {
    const TableFile file(false);
    MemoryRecorder recorder;
    InferenceRequest request = trained(file.experiment("plugin = \"mam-joint\"\n"), recorder);
    request.verb = InferenceRequest::Verb::marginals;
    request.states_are_text = true;
    const auto log_p = [&](const std::string& row) {
        request.states = row;
        const nlohmann::json value = lines(answer(request)).at(0).at("log_marginal");
        return value.get<double>();
    };
    // Nothing is known besides: log p(y in [a, b]) by the conditional of the empty row, and Simpson's rule over
    // densities of the same, which a short training leaves as log p of y alone by the marginals within 1e-2.
    const double a = 1, b = 3;
    const double sum = (std::exp(log_p("y=1")) + 4 * std::exp(log_p("y=2")) + std::exp(log_p("y=3"))) * (b - a) / 6;
    CHECK(std::exp(log_p("y=1..3")) == doctest::Approx(sum).epsilon(0.05));
    CHECK(log_p("y=..") == doctest::Approx(0).epsilon(1e-9));
    CHECK(log_p("word=plus|minus") == doctest::Approx(0).epsilon(1e-6));
    CHECK(std::exp(log_p("word=plus, y=..2")) + std::exp(log_p("word=plus, y=2..")) ==
          doctest::Approx(std::exp(log_p("word=plus"))).epsilon(1e-6));
}

TEST_CASE("intervals, two-sided and one-sided, given nothing and the other column, are those of the error function") {
    const std::string file = gaussian_table();
    MemoryRecorder recorder;
    InferenceRequest request =
        trained("name = \"t\"\n[dataset]\nplugin = \"table\"\ncolumns = \"auto\"\nfile = \"" + file +
                    "\"\n[network]\nplugin = \"mlp\"\nhidden = 32\nlayers = 2\ncomponents = 1\n"
                    "[objective]\nplugin = \"mam-joint\"\n"
                    "[train]\nsteps = 1000\nbatch = 128\nlearning_rate = 5e-3\nema = 0.99\n",
                recorder);
    std::filesystem::remove(file);
    request.verb = InferenceRequest::Verb::marginals;
    request.states_are_text = true;
    const auto log_p = [&](const std::string& row) {
        request.states = row;
        return lines(answer(request)).at(0).at("log_marginal").get<double>();
    };
    // 4,000 rows know a mean and a deviation to 0.016 of these, which moves a probability by at most 0.01; of four
    // trainings like this one none was off by more than 0.032.
    const double most = 0.04;
    CHECK(std::abs(std::exp(log_p("y=2..8")) - normal_between(2, 8, 5, 3)) < most);
    CHECK(std::abs(std::exp(log_p("x=..12")) - normal_between(-infinite, 12, 10, 2)) < most);
    for (const double x : {7.0, 10.0, 13.0}) {
        const double mean = 5 + 1.2 * (x - 10), deviation = 1.8;
        const std::string given = "x=" + std::to_string(x);
        const auto probability = [&](const std::string& set) {
            return std::exp(log_p(given + ", y=" + set) - log_p(given));
        };
        CHECK(std::abs(probability("4..7") - normal_between(4, 7, mean, deviation)) < most);
        CHECK(std::abs(probability("6..") - normal_between(6, infinite, mean, deviation)) < most);
    }
}

TEST_CASE("a model of a table is asked without the file") {
    InferenceRequest request;
    std::string before;
    {
        const TableFile file(true);
        MemoryRecorder recorder;
        request = trained(file.experiment("plugin = \"ao-arm\"\n"), recorder);
        request.verb = InferenceRequest::Verb::sample;
        request.count = 4;
        before = answer(request);
    }
    CHECK(answer(request) == before);
}

TEST_CASE("what knows symbols alone refuses real columns before anything is trained") {
    const TableFile file(false);
    const auto refusal = [&](const std::string& experiment) {
        try {
            build_trial(request_of(experiment), shipped_plugins());
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal(file.experiment("plugin = \"gflownet-eb\"\n"))
              .starts_with(
                  "objective 'gflownet-eb' takes sites that all have the same number of symbols, and this trial has "
                  "real numbers"));
    CHECK(refusal(file.experiment("plugin = \"ao-arm\"\n", "steps = 1\n", "plugin = \"recurrent\"\nwidth = 8\n"))
              .starts_with("this network takes sites that all have the same number of symbols"));
    CHECK(refusal(file.experiment("plugin = \"ao-arm\"\n", "steps = 1\nsymmetries = \"spin-flip\"\n")) ==
          "train.symmetries and train.base = \"belief-propagation\" are for sites that all have the same number of "
          "symbols; "
          "leave them out");
}

TEST_CASE("stage 2 learns from rows with missing cells and goes on from a checkpoint as it would have") {
    const TableFile file(true);
    const std::string experiment = file.experiment(
        "plugin = \"mam-distill\"\nown_steps = 2\n", "steps = 6\nbatch = 16\n",
        "plugin = \"transformer\"\nlayers = 1\nwidth = 16\nheads = 2\nbodies = 2\nreadout = \"softmax\"\n");
    MemoryRecorder whole;
    TrialRequest request = request_of(experiment);
    run_trial(request, shipped_plugins(), whole);
    CHECK(std::isfinite(whole.metrics.at({"loss", 6})));
    MemoryRecorder first, second;
    first.stop_after = 3;
    run_trial(request, shipped_plugins(), first);
    request.checkpoint = first.checkpoints.back().second;
    run_trial(request, shipped_plugins(), second);
    CHECK(second.metrics.at({"loss", 6}) == whole.metrics.at({"loss", 6}));
}

}  // namespace train_tables
