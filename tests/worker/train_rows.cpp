// What a model of data is worth on rows, and what its own rows are like.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "kernel/worker/evaluate/row_scores.h"
#include "tests/worker/trial_fixture.h"

namespace train_rows {

using namespace marginalia;

namespace {

// Six sites: rows 000000 and 111111 for training, 000000 and 010101 for the test; `value` is the number of ones, which
// rows that begin with 1 do not have.
class Ones final : public Dataset {
public:
    Ones() : Dataset(6, 2) {}
    std::size_t size(Split) const override { return 2; }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        for (std::size_t d = 0; d < out.size(); ++d)
            out[d] = index == 0 ? 0 : split == Split::train ? 1 : static_cast<std::uint8_t>(d % 2);
    }
    std::vector<Observable> observables() const override { return {{"ones", "sites"}}; }
    void observe(State x, std::span<double> values) const override {
        values[0] = x[0] == 1 ? NAN : static_cast<double>(std::count(x.begin(), x.end(), 1));
    }
};

TrialParts ones() {
    TrialParts parts;
    parts.dataset = std::make_unique<Ones>();
    parts.domain = {6, 2, {{6}, false}};
    return parts;
}

std::string experiment(const std::string& train, const std::string& evaluation,
                       const std::string& objective = "ao-arm") {
    const std::string path = (std::filesystem::temp_directory_path() / "train_rows.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 200; ++i)
        file << i % 2 << ',' << i % 2 << ',' << i / 2 % 2 << ',' << i % 3 % 2 << ',' << i / 5 % 2 << '\n';
    return "name = \"t\"\n[dataset]\nplugin = \"table\"\nfile = \"" + path +
           "\"\n[network]\nplugin = \"mlp\"\nhidden = 32\nlayers = 1\n[objective]\nplugin = \"" + objective +
           "\"\n[train]\nlearning_rate = 0.01\nbatch = 64\n" + train + "\n[evaluation]\n" + evaluation;
}

Figures finals_of(const std::string& toml) {
    MemoryRecorder recorder;
    CHECK(run_whole_trial(request_of(toml), shipped_plugins(), recorder) == TrialOutcome::done);
    return recorder.finals;
}

// E_σ[log p_φ(x along σ)] over all orders of the known sites of one row.
double mean_over_orders(const Network& network, const at::Tensor& x) {
    std::vector<std::int64_t> known, rest;
    for (std::int64_t d = 0; d < x.numel(); ++d)
        (x[d].item<std::int64_t>() == network.domain().categories ? rest : known).push_back(d);
    double sum = 0;
    int orders = 0;
    do {
        std::vector<std::int64_t> order = known;
        order.insert(order.end(), rest.begin(), rest.end());
        sum +=
            log_density_along(network, x.unsqueeze(0), at::tensor(order, at::kLong).unsqueeze(0), [] {}).item<double>();
        ++orders;
    } while (std::next_permutation(known.begin(), known.end()));
    return sum / orders;
}

}  // namespace

TEST_CASE("log p from a few passes is right on average, for full and for partial rows") {
    TrialParts parts = build_trial(request_of(experiment("steps = 0", "")), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : parts.network->parameters()) parameter.normal_(0, 0.3, generator);  // orders differ
    const at::Tensor rows = at::tensor({0, 1, 1, 0, 1, 2, 1, 2, 0, 1, 2, 2, 2, 2, 2}, at::kLong).view({3, 5});
    for (const std::int64_t points : {1, 3}) {
        CAPTURE(points);
        const std::int64_t repeats = 40000;
        const at::Tensor estimates =
            estimate_log_density(*parts.network, rows.repeat({repeats, 1}), points, generator).view({repeats, 3});
        for (std::int64_t row = 0; row < 2; ++row) {
            const Spread spread = spread_of(estimates.select(1, row));
            CHECK(std::abs(spread.mean - mean_over_orders(*parts.network, rows[row])) <
                  4.5 * spread.error);  // 7e-6 by chance
            CHECK(spread.error < 0.03);
        }
        CHECK(estimates.select(1, 2).abs().max().item<double>() == 0);  // nothing is known
    }
    // Of one known site there is one order, and one pass gives it.
    const at::Tensor one = at::tensor({2, 2, 2, 0, 2}, at::kLong).unsqueeze(0);
    const at::Tensor exact =
        log_density_along(*parts.network, one, at::tensor({3, 0, 1, 2, 4}, at::kLong).unsqueeze(0), [] {});
    const at::Tensor estimate = estimate_log_density(*parts.network, one.repeat({20000, 1}), 1, generator);
    CHECK(std::abs(spread_of(estimate).mean - exact.item<double>()) < 4.5 * spread_of(estimate).error);
}

TEST_CASE("bits a site: one order, an estimate of it, an ensemble") {
    const std::string rows =
        "samples = 0\nnll_samples = 20\nensemble_rows = 20\nensemble_orders = 4\nquick_samples = 20\nevery = 150\n";
    const Figures uniform = finals_of(experiment("steps = 0", rows));
    CHECK(uniform.at("nll_bits") == doctest::Approx(1));
    CHECK(uniform.at("nll_bits_ensemble") == doctest::Approx(1));
    const Figures one_order = finals_of(experiment("steps = 60", rows)),
                  few = finals_of(experiment("steps = 60", rows + "nll_points = 200\n"));
    CHECK(one_order.at("nll_bits") < 0.95);
    CHECK(few.at("nll_bits") == doctest::Approx(one_order.at("nll_bits")).epsilon(0.03));
    for (const Figures& figures : {one_order, few}) {
        CHECK(figures.at("nll_bits_ensemble") < figures.at("nll_bits"));  // Jensen
        CHECK(figures.at("nll_bits_ensemble") > figures.at("nll_bits") - 0.1);
    }
    MemoryRecorder recorder;
    run_whole_trial(request_of(experiment("steps = 300", rows)), shipped_plugins(), recorder);
    CHECK(recorder.metrics.at({"validation_bits", 150}) < 0.9);
    CHECK(recorder.metrics.count({"validation_bits", 300}) == 0);
}

TEST_CASE("groups of regenerated rows rank alike where the marginals follow the conditionals") {
    const std::string groups =
        "samples = 0\nnll_samples = 0\nranking_groups = 6\nranking_rows = 12\nranking_masked = \"4, "
        "5\"\nranking_threshold = ";
    const Figures trained = finals_of(experiment("steps = 400", groups + "0.3\n", "mam-joint"));
    CHECK(trained.at("ranking_groups") >= 4);
    CHECK(trained.at("ranking_spearman") > 0.9);
    CHECK(trained.at("ranking_pearson") > 0.9);
    CHECK(trained.at("ranking_one_order_pearson") > 0.9);
    CHECK(trained.at("ranking_pearson") < 1 - 1e-6);
    CHECK(trained.at("ranking_one_order_pearson") < 1 - 1e-6);
    // Rows of an untrained model are all alike, so no group has three that differ.
    CHECK(finals_of(experiment("steps = 0", groups + "0.3\n", "mam-joint")).at("ranking_groups") == 0);
    CHECK(finals_of(experiment("steps = 0", groups + "0.3\n")).count("ranking_groups") ==
          0);  // no marginals to rank by
    const std::string test_rows = "samples = 0\nnll_samples = 0\nranking_groups = 2\nranking_rows = 10\n";
    CHECK(finals_of(experiment("steps = 400", test_rows, "mam-joint")).at("ranking_groups") == 2);
    MemoryRecorder recorder;
    const TrialRequest wrong = request_of(experiment(
        "steps = 5", "samples = 0\nnll_samples = 0\nranking_groups = 1\nranking_masked = \"3,six\"\n", "mam-joint"));
    CHECK_THROWS_WITH_AS(run_whole_trial(wrong, shipped_plugins(), recorder),
                         doctest::Contains("ranking_masked = \"3,six\" is not a list of numbers of sites from 1 to 5"),
                         Error);
    CHECK(recorder.checkpoints.empty());  // told before the training
}

TEST_CASE("log p of rows to a precision: means over all orders, and no more passes than whole orders take") {
    TrialRequest request =
        request_of(experiment("steps = 0", "precision = 0.1\nnll_points = 2\nensemble_orders = 1000\n"));
    const TrialParts parts = build_trial(request, shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : parts.network->parameters()) parameter.normal_(0, 0.3, generator);  // orders differ
    const auto model = parts.objective->model(*parts.network, generator, [] {});
    const at::Tensor rows = at::tensor({0, 1, 1, 0, 1, 1, 1, 0, 0, 1}, at::kLong).view({2, 5});
    const auto always = [](std::int64_t, std::int64_t) { return true; };
    const PreciseRows precise = precise_rows({parts, *model, request.settings.evaluation, always}, rows, generator);
    for (std::int64_t row = 0; row < 2; ++row) {
        CHECK(precise.error[row].item<double>() <= 0.1);
        CHECK(std::abs(precise.mean[row].item<double>() - mean_over_orders(*parts.network, rows[row])) < 4.5 * 0.1);
    }
    CHECK(precise.passes >= 2 * 8);
    CHECK(precise.passes < 5000);
    request.settings.evaluation.precision = 1e-9;
    request.settings.evaluation.ensemble_orders = 6;
    CHECK(precise_rows({parts, *model, request.settings.evaluation, always}, rows, generator).passes == 6 * 5);
}

TEST_CASE("rankings by estimates agree with those by whole orders") {
    const std::string groups =
        "samples = 0\nranking_groups = 6\nranking_rows = 12\nranking_masked = \"4, 5\"\n"
        "ranking_threshold = 0.3\nensemble_orders = 200\n";
    const Figures exact = finals_of(experiment("steps = 400", groups, "mam-joint")),
                  precise = finals_of(experiment("steps = 400", groups + "precision = 0.05\n", "mam-joint"));
    for (const char* name : {"ranking_pearson", "ranking_spearman"})
        CHECK(std::abs(precise.at(name) - exact.at(name)) < 0.05);
    CHECK(precise.at("ranking_log_p_stderr") <= 0.05);
    CHECK(precise.at("ranking_passes") >= 8 * 16);
    CHECK(precise.at("ranking_passes") < 200 * 5);
    CHECK(precise.count("ranking_one_order_pearson") == 0);
    CHECK(exact.count("ranking_log_p_stderr") == 0);
    CHECK(precise.at("evaluation_rows") == 20);  // all that there are, as a hundred would be needed
    CHECK(precise.at("nll_bits") == exact.at("nll_bits"));
}

TEST_CASE("quick log-marginals beside slow ones: none where all orders agree, and as many passes as sites are known") {
    const std::string rows = "samples = 0\nnll_samples = 0\nmarginal_rows = 20\n";
    const Figures uniform = finals_of(experiment("steps = 0", rows)),
                  by_order = finals_of(experiment("steps = 300", rows)),
                  at_once = finals_of(experiment("steps = 300", rows, "mam-joint"));
    CHECK(uniform.at("marginal_gap") < 1e-6);
    CHECK(by_order.at("marginal_passes") == doctest::Approx(2.5));  // 1 to 4 of five sites
    CHECK(by_order.at("marginal_gap") > 1e-4);
    CHECK(by_order.at("marginal_gap") < 1);
    CHECK(by_order.at("marginal_gap_stderr") < by_order.at("marginal_gap"));
    CHECK(at_once.at("marginal_passes") == 1);
    CHECK(finals_of(experiment("steps = 0", "samples = 0\nnll_samples = 0\n")).count("marginal_gap") == 0);
}

TEST_CASE("drawn rows: different, new, their n-grams and their observables") {
    const TrialParts parts = ones();
    const auto row = [](std::vector<std::int64_t> symbols) { return at::tensor(symbols, at::kLong); };
    const at::Tensor zeros = row({0, 0, 0, 0, 0, 0}), all = row({1, 1, 1, 1, 1, 1}), half = row({0, 0, 0, 1, 1, 1});
    const Figures figures = evaluate_drawn_rows(parts, at::stack({zeros, zeros, half, all}));
    CHECK(figures.at("unique") == doctest::Approx(0.75));
    CHECK(figures.at("novel") == doctest::Approx(0.25));  // half alone
    // Ones: 9 of 24 in the drawn rows, 3 of 12 in the test's.
    CHECK(figures.at("ngram_distance_1") == doctest::Approx(9.0 / 24 - 3.0 / 12));
    // Pairs 00 01 10 11: 12 1 0 7 of 20 in the drawn rows, 5 3 2 0 of 10 in the test's.
    CHECK(figures.at("ngram_distance_2") == doctest::Approx((12.0 / 20 - 0.5) + 7.0 / 20));
    CHECK(figures.at("observable.ones") == doctest::Approx(1));              // 0, 0, 3
    CHECK(figures.at("observable.ones_reference") == doctest::Approx(1.5));  // 0, 3
    CHECK(figures.at("observable_distance.ones") == doctest::Approx(0.5));
    CHECK(figures.at("ngram_distance_1_floor") >= 0);
}

}  // namespace train_rows
