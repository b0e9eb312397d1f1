// Figures of regions and pairs of sites, against sums over all states of models and energies small enough for that.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "kernel/worker/answer/inference.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "tests/worker/every_state.h"
#include "tests/worker/trial_fixture.h"

namespace train_figures {

using namespace marginalia;
using nlohmann::json;

namespace {

using Sites = std::vector<std::int64_t>;

// A trial whose network has the weights that `change` makes of those it begins with.
struct Trained {
    template <class Change>
    Trained(const std::string& energy, const std::string& network, const Change& change) {
        request.verb = InferenceRequest::Verb::figures;
        request.trial = request_of("name = \"figures\"\n[energy]\n" + energy + "\n[network]\n" + network +
                                   "\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n");
        parts = build_model(request.trial, shipped_plugins());
        const at::NoGradGuard no_grad;
        for (at::Tensor weights : parts.network->parameters()) change(weights);
        request.trial.checkpoint =
            save_checkpoint(*parts.network, "{}", {1, {{"objective", parts.objective->state()}}, {}});
        request.output.format = StateFormat::json;
        request.count = 1000;
    }

    std::vector<json> answer() const {
        std::ostringstream out;
        infer(request, shipped_plugins(), out);
        std::vector<json> rows;
        std::istringstream lines(out.str());
        for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
        return rows;
    }
    std::string failure() const {
        try {
            answer();
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    }
    void give(const std::string& state) {
        request.states = state;
        request.states_are_text = true;
    }

    InferenceRequest request;
    TrialParts parts;
};

const auto as_they_are = [](at::Tensor) {};
// Of mps: each state of its bond, which the chain carries along, has symbols that it likes.
const auto choosy = [](at::Tensor weights) {
    at::Generator generator = make_generator(at::kCPU, 5, 5);
    weights.mul_(at::randn(weights.sizes(), generator).mul(0.7).exp());
};
const auto alike = [](at::Tensor weights) { weights.fill_(0.3); };

std::string ising(int rows, int columns, const std::string& more = "") {
    return "plugin = \"ising\"\nrows = " + std::to_string(rows) + "\ncolumns = " + std::to_string(columns) +
           "\ncoupling = 0.3\nfield = 0.1\n" + more;
}
// Exactly consistent marginals.
std::string mps(int bond) { return "plugin = \"mps\"\nbond = " + std::to_string(bond); }
const std::string mlp = "plugin = \"mlp\"\nhidden = 16\nlayers = 2";

const json& row_of(const std::vector<json>& rows, const std::string& figure, const std::string& of) {
    const auto is_it = [&](const json& row) { return row["figure"] == figure && row["of"] == of; };
    const auto found = std::find_if(rows.begin(), rows.end(), is_it);
    REQUIRE_MESSAGE(found != rows.end(), figure, " of ", of, " is missing");
    return *found;
}
double value(const std::vector<json>& rows, const std::string& figure, const std::string& of,
             const std::string& column = "value") {
    return row_of(rows, figure, of)[column].get<double>();
}

// A distribution over all states of a few sites, and what follows from it by summation.
struct Whole {
    // p proportional to exp(log_f), of states that have the symbols `given` (K: any).
    Whole(const Domain& domain, at::Tensor states, const at::Tensor& log_f, const Sites& given = {})
        : categories(domain.categories), x(std::move(states)) {
        at::Tensor log_p = log_f.clone();
        for (std::size_t site = 0; site < given.size(); ++site)
            if (given[site] < categories)
                log_p.masked_fill_(x.select(1, static_cast<std::int64_t>(site)) != given[site], -INFINITY);
        log_z = log_p.logsumexp(0).item<double>();
        p = (log_p - log_z).exp();
    }

    double entropy(const Sites& sites) const {
        std::int64_t states = 1;
        at::Tensor number = at::zeros({x.size(0)}, at::kLong);
        for (const std::int64_t site : sites) {
            number += states * x.select(1, site);
            states *= categories;
        }
        return at::special_entr(at::zeros({states}, at::kDouble).index_add(0, number, p)).sum().item<double>();
    }
    double correlation(std::int64_t i, std::int64_t j) const {
        const at::Tensor a = x.select(1, i), b = x.select(1, j);
        if (categories == 2) {
            const auto mean = [this](const at::Tensor& spins) { return (p * spins).sum().item<double>(); };
            return mean((2 * a - 1) * (2 * b - 1)) - mean(2 * a - 1) * mean(2 * b - 1);
        }
        double connected = (p * (a == b)).sum().item<double>();
        for (std::int64_t k = 0; k < categories; ++k)
            connected -= (p * (a == k)).sum().item<double>() * (p * (b == k)).sum().item<double>();
        return connected;
    }

    std::int64_t categories;
    at::Tensor x, p;
    double log_z = 0;
};

Whole model_of(const Trained& trained, const Sites& given = {}) {
    const at::NoGradGuard no_grad;
    const at::Tensor x = every_state(trained.parts.domain);
    return {trained.parts.domain, x, trained.parts.network->log_marginal(x).to(at::kDouble), given};
}

Whole energy_of(const Trained& trained, const Sites& given = {}) {
    const at::Tensor x = every_state(trained.parts.domain);
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    at::Tensor log_f = at::empty({x.size(0)}, at::kDouble);
    trained.parts.batch_energy->evaluate({bytes, static_cast<std::size_t>(x.size(1))},
                                         {log_f.data_ptr<double>(), static_cast<std::size_t>(log_f.numel())});
    return {trained.parts.domain, x, log_f, given};
}

}  // namespace

TEST_CASE("a uniform model has S = |A| log K, no mutual information and no correlations, summed or drawn") {
    Trained trained(ising(4, 5), mps(2), alike);
    trained.request.figures.regions = {{"A", "rows 0"}, {"B", "rows 1-3"}, {"C", "all"}};
    trained.request.figures.between = {{"A", "B"}, {"A", "rest"}};
    trained.request.figures.correlations = true;
    const auto rows = trained.answer();
    CHECK(value(rows, "entropy", "A") == doctest::Approx(5 * std::log(2)).epsilon(1e-6));
    CHECK(row_of(rows, "entropy", "A")["by"] == "summed");
    CHECK(row_of(rows, "entropy", "A")["count"] == 32);
    CHECK(std::abs(value(rows, "entropy", "A", "normalisation_error")) < 1e-5);
    CHECK(row_of(rows, "entropy", "A")["stderr"].is_null());
    CHECK(value(rows, "entropy", "C") == doctest::Approx(20 * std::log(2)).epsilon(1e-6));
    CHECK(row_of(rows, "entropy", "C")["by"] == "drawn");
    CHECK(row_of(rows, "entropy", "C")["count"] == 1000);
    CHECK(row_of(rows, "entropy", "C")["normalisation_error"].is_null());
    CHECK(value(rows, "entropy", "C", "stderr") < 1e-5);
    for (const char* pair : {"A:B", "A:rest of A"}) CHECK(std::abs(value(rows, "mutual_information", pair)) < 1e-4);
    CHECK(value(rows, "entropy", "A+rest of A") == value(rows, "entropy", "A+B"));
    std::vector<std::string> steps;
    for (const json& row : rows) {
        if (row["figure"] != "correlation") continue;
        steps.push_back(row["of"]);
        CHECK(std::abs(row["value"].get<double>()) < 1e-6);
    }
    CHECK(steps == std::vector<std::string>{"(1,0)", "(2,0)", "(0,1)", "(0,2)"});
}

TEST_CASE("summed figures are those of the model's whole distribution, given a part of a state too") {
    const Sites given{2, 2, 2, 1, 2, 2, 0, 2, 2};
    Trained trained(ising(3, 3), mps(3), choosy);
    trained.request.figures.regions = {{"A", "rows 0"}, {"B", "2,3,4,6"}, {"C", "4,5"}};
    trained.request.figures.between = {{"A", "C"}, {"C", "A"}, {"C", "rest"}};
    trained.request.figures.pairs = {{0, 4}, {5, 1}};
    bool partly = false;
    SUBCASE("nothing is given") {}
    SUBCASE("two sites are given") { partly = true; }
    if (partly) trained.give("___/+__/-__");
    const auto rows = trained.answer();
    const Whole whole = model_of(trained, partly ? given : Sites{});
    CHECK(value(rows, "entropy", "A") == doctest::Approx(whole.entropy({0, 1, 2})).epsilon(1e-5));
    CHECK(value(rows, "entropy", "B") == doctest::Approx(whole.entropy({2, 3, 4, 6})).epsilon(1e-5));
    CHECK(row_of(rows, "entropy", "B")["sites"] == (partly ? 2 : 4));
    const double both = whole.entropy({0, 1, 2, 4, 5}), i = whole.entropy({0, 1, 2}) + whole.entropy({4, 5}) - both;
    CHECK(i > 1e-3);
    CHECK(value(rows, "entropy", "A+C") == doctest::Approx(both).epsilon(1e-5));
    CHECK(std::abs(value(rows, "mutual_information", "A:C") - i) < 1e-5);
    CHECK(std::abs(value(rows, "mutual_information", "C:A") - i) < 1e-5);
    CHECK(value(rows, "mutual_information", "C:rest of C") > i);
    CHECK(std::abs(value(rows, "correlation", "0,4") - whole.correlation(0, 4)) < 1e-5);
    CHECK(std::abs(value(rows, "correlation", "5,1") - whole.correlation(1, 5)) < 1e-5);
    CHECK(std::abs(whole.correlation(0, 4)) > 1e-3);
    for (const json& row : rows) {
        if (!row["gap"].is_null()) CHECK(std::abs(row["gap"].get<double>()) < 1e-5);  // consistent heads
        if (!row["normalisation_error"].is_null()) CHECK(std::abs(row["normalisation_error"].get<double>()) < 1e-5);
    }
}

TEST_CASE("of more than two symbols a correlation is of their being the same; distances are averaged over all pairs") {
    bool open = false;
    SUBCASE("on a torus") {}
    SUBCASE("open") { open = true; }
    const std::string potts = "plugin = \"potts\"\nrows = 2\ncolumns = 4\nstates = 3\n";
    Trained trained(potts + (open ? "boundary = \"open\"" : ""), mps(3), choosy);
    trained.request.figures.correlations = true;
    trained.request.figures.exact = true;
    const auto rows = trained.answer();
    const Whole model = model_of(trained), energy = energy_of(trained);
    for (const std::int64_t r : {1, 2}) {
        double by_model = 0, by_energy = 0;
        int pairs = 0;
        for (std::int64_t row = 0; row < 2; ++row)
            for (std::int64_t column = 0; column < (open || r == 2 ? 4 - r : 4); ++column, ++pairs) {
                const std::int64_t first = 4 * row + column, second = 4 * row + (column + r) % 4;
                by_model += model.correlation(first, second);
                by_energy += energy.correlation(first, second);
            }
        const std::string step = "(0," + std::to_string(r) + ")";
        CHECK(row_of(rows, "correlation", step)["count"] == pairs);
        CHECK(std::abs(value(rows, "correlation", step) - by_model / pairs) < 2e-6);
        CHECK(std::abs(value(rows, "correlation", step, "exact") - by_energy / pairs) < 1e-9);
        CHECK(std::abs(by_model / pairs) > 5e-5);
        CHECK(std::abs(by_energy / pairs) > 1e-3);
    }
    CHECK(row_of(rows, "correlation", "(1,0)")["count"] == 4);
}

TEST_CASE("exact figures are those of all states of the energy") {
    Trained trained(ising(3, 3), mlp, as_they_are);
    trained.request.figures.regions = {{"A", "[0:2, 0:2]"}, {"B", "8"}};
    trained.request.figures.between = {{"A", "B"}};
    trained.request.figures.correlations = trained.request.figures.free_energy = trained.request.figures.exact = true;
    trained.give("___/__-/___");
    const auto rows = trained.answer();
    const Whole energy = energy_of(trained, {2, 2, 2, 2, 2, 0, 2, 2, 2});
    CHECK(value(rows, "entropy", "A", "exact") == doctest::Approx(energy.entropy({0, 1, 3, 4})).epsilon(1e-9));
    const double i = energy.entropy({0, 1, 3, 4}) + energy.entropy({8}) - energy.entropy({0, 1, 3, 4, 8});
    CHECK(std::abs(value(rows, "mutual_information", "A:B", "exact") - i) < 1e-9);
    CHECK(i > 1e-3);
    double mean = 0;
    for (const std::int64_t site : {0, 1, 3, 4, 6, 7, 8})  // those of site 5 are left out
        mean += energy.correlation(site, (site + 3) % 9) / 7;
    CHECK(row_of(rows, "correlation", "(1,0)")["count"] == 7);
    CHECK(std::abs(value(rows, "correlation", "(1,0)", "exact") - mean) < 1e-9);
    CHECK(value(rows, "free_energy", "given", "exact") == doctest::Approx(-energy.log_z).epsilon(1e-9));
}

TEST_CASE("a free energy by drawn states is unbiased for any model, and by the marginal takes log Z over") {
    Trained trained(ising(3, 3), mps(2), as_they_are);
    trained.request.figures.free_energy = true;
    trained.request.figures.log_z = 7;
    trained.request.figures.log_z_stderr = 0.25;
    trained.request.count = 4000;
    trained.give("+__/__-/___");
    const auto rows = trained.answer();
    REQUIRE(rows.size() == 2);
    const Whole energy = energy_of(trained, {1, 2, 2, 2, 2, 0, 2, 2, 2}), all = model_of(trained),
                known = model_of(trained, {1, 2, 2, 2, 2, 0, 2, 2, 2});
    CHECK(rows[0]["by"] == "drawn");
    CHECK(rows[0]["sites"] == 2);
    const double error = rows[0]["stderr"];
    CHECK((error > 1e-4 && error < 0.1));
    CHECK(std::abs(rows[0]["value"].get<double>() + energy.log_z) < 5 * error);
    CHECK(rows[1]["by"] == "marginal");
    CHECK(rows[1]["value"].get<double>() == doctest::Approx(-7 - (known.log_z - all.log_z)).epsilon(1e-5));
    CHECK(rows[1]["stderr"] == 0.25);
    CHECK(std::abs(rows[1]["gap"].get<double>()) < 1e-5);
}

TEST_CASE("drawn entropies are within their errors of the sum, and errors of mutual information are paired") {
    Trained chain(ising(1, 17), mps(3), choosy);
    chain.request.figures.regions = {{"all", "all"}};
    chain.request.count = 4000;
    const auto drawn = chain.answer();
    const double error = value(drawn, "entropy", "all", "stderr");
    CHECK(row_of(drawn, "entropy", "all")["by"] == "drawn");
    CHECK((error > 1e-3 && error < 0.1));
    Sites sites;
    for (std::int64_t site = 0; site < 17; ++site) sites.push_back(site);
    CHECK(std::abs(value(drawn, "entropy", "all") - model_of(chain).entropy(sites)) < 5 * error);

    Trained independent(ising(1, 20), mps(1), choosy);  // a bond of one state: a product
    independent.request.figures.regions = {{"A", "half"}};
    independent.request.figures.between = {{"A", "rest"}, {"rest", "A"}};
    const auto rows = independent.answer();
    CHECK(value(rows, "entropy", "A+rest of A", "stderr") > 1e-3);
    for (const char* pair : {"A:rest of A", "rest of A:A"}) {
        CHECK(row_of(rows, "mutual_information", pair)["by"] == "drawn");
        CHECK(std::abs(value(rows, "mutual_information", pair)) < 1e-4);
        CHECK(value(rows, "mutual_information", pair, "stderr") < 1e-5);
    }
    const double sum = value(rows, "entropy", "A") + value(rows, "entropy", "rest of A");
    CHECK(std::abs(value(rows, "entropy", "A+rest of A") - sum) < 5 * value(rows, "entropy", "A+rest of A", "stderr"));
}

TEST_CASE("the gap is to the conditionals, and the breach to a sum of one, where the heads disagree") {
    Trained trained(ising(2, 3), mlp, [](at::Tensor weights) {
        at::Generator generator = make_generator(at::kCPU, 5, 5);
        weights.add_(at::randn(weights.sizes(), generator), 0.2);
    });
    trained.request.figures.regions = {{"A", "0,1,2"}};
    trained.request.count = 20000;
    const auto rows = trained.answer();
    const at::NoGradGuard no_grad;
    const Domain three{3, 2, {{3}, false}};
    at::Tensor x = at::full({8, 6}, 2, at::kLong);
    x.slice(1, 0, 3).copy_(every_state(three));
    const at::Tensor log_p = trained.parts.network->log_marginal(x).to(at::kDouble);
    CHECK(value(rows, "entropy", "A", "normalisation_error") ==
          doctest::Approx(std::expm1(log_p.logsumexp(0).item<double>())).epsilon(1e-4));
    CHECK(std::abs(value(rows, "entropy", "A", "normalisation_error")) > 1e-3);
    const at::Tensor p = log_p.softmax(0);
    CHECK(value(rows, "entropy", "A") == doctest::Approx(at::special_entr(p).sum().item<double>()).epsilon(1e-5));
    // By the conditionals: -sum p log q, q the mean over the orders of the three sites.
    double by_conditionals = 0;
    Sites order{0, 1, 2};
    do {
        at::Tensor known = at::full({8, 6}, 2, at::kLong), log_q = at::zeros({8}, at::kDouble);
        for (const std::int64_t site : order) {
            const at::Tensor logits = trained.parts.network->conditional_logits(known).select(1, site);
            log_q += logits.log_softmax(1, at::kDouble).gather(1, x.slice(1, site, site + 1)).squeeze(1);
            known.select(1, site).copy_(x.select(1, site));
        }
        by_conditionals -= (p * log_q).sum().item<double>() / 6;
    } while (std::next_permutation(order.begin(), order.end()));
    const double gap = value(rows, "entropy", "A", "gap"), error = value(rows, "entropy", "A", "gap_stderr");
    CHECK(std::abs(value(rows, "entropy", "A") - gap - by_conditionals) < 5 * error + 1e-4);
    CHECK(std::abs(gap) > 5 * error);
}

TEST_CASE("what cannot be answered is one sentence") {
    Trained trained(ising(2, 3), mps(2), choosy);
    FiguresRequest& figures = trained.request.figures;
    figures.regions = {{"A", "0-2"}, {"B", "rows 1; 2"}};
    figures.between = {{"A", "B"}};
    CHECK(trained.failure() == "regions 'A' and 'B' share site 2; --between is for regions without one in common");
    figures.regions = {{"A", "0-999999999"}};
    figures.between = {};
    CHECK(trained.failure() == "region 'A': there is no site 999999999; there are sites 0 to 5");
    figures = {};
    figures.pairs = {{0, 6}};
    CHECK(trained.failure() == "--pair 0,6: there is no site 6; there are sites 0 to 5");
    figures.pairs = {{3, 3}};
    CHECK(trained.failure() == "--pair 3,3 is one site; name two");
    figures.pairs = {{0, 1}};
    trained.give("+__/___");
    CHECK(trained.failure() == "--pair 0,1: site 0 is known by the given state; name unknown ones");
    trained.give("+__");
    CHECK(trained.failure() == "'+__' is neither a file nor a state: it has 3 symbols where a state has 6 sites");

    Trained wide(ising(17, 17), mlp, as_they_are);
    wide.request.figures.pairs = {{0, 1}};
    wide.request.figures.exact = true;
    CHECK(wide.failure() == "exact marginals of this energy are not known; leave out --exact");

    Trained damaged(ising(2, 3), mlp, [](at::Tensor weights) { weights.fill_(NAN); });
    damaged.request.figures.regions = {{"A", "all"}};
    CHECK(damaged.failure() ==
          "region 'A': the sum of its states' p is not a positive number by this model; its weights may be damaged");
    damaged.give("+__/___");
    CHECK(damaged.failure() ==
          "log p of the given state is not finite under this model, so nothing can be computed from it; give another "
          "one");
}

TEST_CASE("a region without an unknown site has no entropy, and tables for people leave out empty columns") {
    Trained trained(ising(2, 2), mps(2), choosy);
    trained.request.figures.regions = {{"A", "0"}, {"B", "2,3"}};
    trained.give("+_/__");
    const auto rows = trained.answer();
    CHECK(value(rows, "entropy", "A") == doctest::Approx(0).epsilon(1e-9));
    CHECK(row_of(rows, "entropy", "A")["sites"] == 0);
    trained.request.output.format = StateFormat::text;
    std::ostringstream table;
    infer(trained.request, shipped_plugins(), table);
    const std::string head = table.str().substr(0, table.str().find('\n'));
    CHECK(head.starts_with("figure   of  sites  "));
    CHECK(head.find("exact") == head.npos);
    CHECK(head.ends_with("from"));
    trained.request.output.format = StateFormat::csv;
    std::ostringstream csv;
    infer(trained.request, shipped_plugins(), csv);
    CHECK(csv.str().starts_with(
        "figure,of,sites,value,stderr,gap,gap_stderr,normalisation_error,exact,by,count\nentropy,A,0,"));
}

}  // namespace train_figures
