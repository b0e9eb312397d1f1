// sample --metropolis and --holding: what chains of a model's proposals draw, against sums over all states.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <marginalia/orders.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "kernel/worker/answer/chain_sample.h"
#include "kernel/worker/answer/holding.h"
#include "kernel/worker/check/torch/table_network.h"
#include "tests/plugins/energy_enumeration.h"
#include "tests/worker/inference_fixture.h"
#include "tests/worker/rows_file.h"

namespace train_chain_sample {

using namespace marginalia;
using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;
using inference_fixture::failure;
using inference_fixture::lines;

namespace {

using Verb = InferenceRequest::Verb;

// ---- chains on a table of weights

// Symbols 0..n-1, proposed alike, the k-th with the weight exp(log_w[k]).
Propose proposals_of(const std::vector<double>& log_w, at::Generator& generator) {
    return [log_w, &generator](std::int64_t count) {
        const at::Tensor x = at::randint(static_cast<std::int64_t>(log_w.size()), {count, 1}, generator, at::kLong);
        const at::Tensor weights = at::tensor(log_w, at::kDouble).index_select(0, x.squeeze(1));
        return Weighed{x, at::zeros_like(weights), {}, weights};
    };
}

IndependenceChains chains_on(const std::vector<double>& log_w, at::Generator& generator, std::int64_t count = 16) {
    return {count, proposals_of(log_w, generator), make_generator(at::kCPU, 1, 2)};
}

// The mean over the target of (1 + R) / (1 - R), R the probability to stay.
double correlation_time_of(const std::vector<double>& log_w) {
    double sum = 0, total = 0;
    for (const double here : log_w) {
        double stays = 0;
        for (const double there : log_w)
            stays += (1 - std::min(1.0, std::exp(there - here))) / static_cast<double>(log_w.size());
        if (std::isfinite(here)) sum += std::exp(here) * (1 + stays) / (1 - stays);
        total += std::exp(here);
    }
    return sum / total;
}

// ---- models

std::string model_of(const std::string& target, const std::string& objective = "mam-heat-bath") {
    return "name = \"t\"\n" + target +
           "[network]\nplugin = \"mlp\"\nhidden = 16\nlayers = 2\n[objective]\nplugin = \"" + objective + "\"\n";
}

std::string lattice(int rows, int columns) {
    return "[energy]\nplugin = \"ising\"\nrows = " + std::to_string(rows) + "\ncolumns = " + std::to_string(columns) +
           "\ncoupling = 0.15\nfield = 0.1\n[sampler]\nplugin = \"single-site-gibbs\"\n";
}
const std::string potts =
    "[energy]\nplugin = \"potts\"\nstates = 3\nrows = 2\ncolumns = 3\n[sampler]\nplugin = \"single-site-gibbs\"\n";

// What chains of `steps` steps visit, every `apart`-th step, which is several autocorrelation times.
struct Drawn {
    Bytes rows;
    std::vector<double> log_p, log_f;
    std::string report;
};
Drawn drawn_by(InferenceRequest request, std::int64_t steps, std::int64_t apart) {
    request.count = 16 * steps;
    const at::NoGradGuard no_grad;
    TrainedModel trained = load_model(request, shipped_plugins(), [] {});
    Drawn drawn;
    std::int64_t row = 0;
    const auto write = [&](const Weighed& states) {
        const Bytes bytes = to_bytes(states.x);
        const auto sites = static_cast<std::ptrdiff_t>(states.x.size(1));
        for (std::int64_t i = 0; i < states.x.size(0); ++i, ++row) {
            if (row / 16 % apart != 0) continue;
            drawn.rows.insert(drawn.rows.end(), bytes.begin() + i * sites, bytes.begin() + (i + 1) * sites);
            drawn.log_p.push_back(states.log_p[i].item<double>());
            if (states.log_f.defined()) drawn.log_f.push_back(states.log_f[i].item<double>());
        }
    };
    drawn.report = sample_by_chains(request, trained, trained.generator, [] {}, write);
    std::cout << drawn.report;
    return drawn;
}

std::string refusal(InferenceRequest request, bool metropolis, const std::string& holding) {
    request.count = 4;
    request.metropolis = metropolis;
    request.holding = holding;
    return failure(request);
}

// Log of what the model draws of each state of `all`: the mean of p(x | order) over all orders.
std::vector<double> log_p_of(const Network& network, const Enumeration& all) {
    std::vector<std::int64_t> order(all.sites);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    std::vector<at::Tensor> orders;
    do orders.push_back(at::tensor(order, at::kLong));
    while (std::next_permutation(order.begin(), order.end()));
    const at::Tensor stacked = at::stack(orders);
    std::vector<double> values;
    for (std::size_t number = 0; number < all.log_f.size(); ++number) {
        const Bytes bytes = all.state(number);
        const at::Tensor x = from_bytes({bytes, all.sites}).expand_as(stacked);
        const at::Tensor log_p = log_density_along(network, x, stacked, [] {});
        values.push_back(log_p.logsumexp(at::IntArrayRef{0}).item<double>() -
                         std::log(static_cast<double>(orders.size())));
    }
    return values;
}

std::size_t ones(State x) { return static_cast<std::size_t>(std::count(x.begin(), x.end(), 1)); }

}  // namespace

TEST_CASE("chains of proposals visit states as often as their weights say, and know how long they stay") {
    const std::vector<double> log_w{0, 1, -1, 2.5, -INFINITY};
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    IndependenceChains chains = chains_on(log_w, generator);
    CHECK(chains.settle(1024));
    CHECK(chains.left_out() >= 32);
    constexpr std::int64_t steps = 4000, apart = 32;
    const at::Tensor x = chains.walk(steps).x.view({steps, 16}).slice(0, 0, steps, apart).flatten();
    const Enumeration all(1, 5, [&](State state) { return log_w[state[0]]; });
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, to_bytes(x.unsqueeze(1)))) < 4);
    const double exact = correlation_time_of(log_w);
    CHECK(exact > 2);
    CHECK(exact < apart / 4.0);
    CHECK(std::abs(chains.walked().correlation_time - exact) < 0.5);  // five standard errors
    CHECK(chains.walked().steps == steps);
}

TEST_CASE("proposals that are the target are all accepted, others that are too few are waited for, none are an error") {
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    IndependenceChains same = chains_on({0.5, 0.5, 0.5}, generator);
    CHECK(same.settle(1024));
    CHECK(same.left_out() == 32);
    same.walk(100);
    CHECK(same.walked().accepted == 1);
    CHECK(same.walked().correlation_time == 1);

    std::vector<double> steep(40, 0);  // each chain climbs, and then meets the top once in 40 proposals
    for (std::size_t i = 0; i < 10; ++i) steep[i] = 20 + 10 * static_cast<double>(i);
    IndependenceChains seldom = chains_on(steep, generator);
    CHECK_FALSE(seldom.settle(256));
    CHECK(seldom.left_out() == 256);

    IndependenceChains never = chains_on({-INFINITY, -INFINITY}, generator);
    CHECK_THROWS_WITH_AS(
        never.settle(64),
        "one of 16 chains met no possible state of the target among its 64 proposals; train the model longer", Error);
}

TEST_CASE("states of an untrained model become states of the energy (4 sigma), in few passes too") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(3, 3)), 0.1);
    request.metropolis = true;
    const auto energy =
        energy_plugin::make("ising", {{"rows", "3"}, {"columns", "3"}, {"coupling", "0.15"}, {"field", "0.1"}});
    SUBCASE("a site a pass") {}
    SUBCASE("two passes") {  // of a model whose marginals are not the energy's, too
        request = inference_fixture::about(Verb::sample, model_of(lattice(3, 3), "ao-arm"), 0.1);
        request.metropolis = true;
        request.passes = 2;
    }
    const Drawn drawn = drawn_by(request, 2400, 12);
    const Enumeration all(*energy);
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, drawn.rows)) < 4);
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK(drawn.log_f[i] == doctest::Approx(energy->log_density(State(drawn.rows).subspan(9 * i, 9))));
        CHECK(drawn.log_p[i] < 0);
    }
    // What the model draws by itself is something else.
    request.metropolis = false;
    request.count = 3200;
    Bytes plain;
    for (const nlohmann::json& line : lines(inference_fixture::answer(request)))
        for (const int symbol : line["states"]) plain.push_back(static_cast<std::uint8_t>(symbol));
    CHECK(energy_enumeration::chi_square_sigma(all, plain) > 20);
}

TEST_CASE("at a fixed magnetisation a 4x4 Ising model has the energies that enumeration gives (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(4, 4)), 0.1);
    request.metropolis = true;
    request.holding = "1=8";
    const Drawn drawn = drawn_by(request, 1600, 8);
    const Enumeration all(
        *energy_plugin::make("ising", {{"rows", "4"}, {"columns", "4"}, {"coupling", "0.15"}, {"field", "0.1"}}));
    std::map<std::int64_t, double> expected, seen;  // by log f in thousandths
    const auto level = [](double log_f) { return std::llround(1000 * log_f); };
    double total = 0;
    for (std::size_t number = 0; number < all.log_f.size(); ++number)
        if (ones(all.state(number)) == 8)
            total += std::exp(all.log_f[number]), expected[level(all.log_f[number])] += std::exp(all.log_f[number]);
    for (std::size_t i = 0; i < drawn.log_f.size(); ++i) {
        CHECK(ones(State(drawn.rows).subspan(16 * i, 16)) == 8);
        ++seen[level(drawn.log_f[i])];
    }
    double chi = 0, cells = 0;
    for (const auto& [log_f, weight] : expected) {
        const double mean = weight / total * static_cast<double>(drawn.log_f.size());
        if (mean < 10) continue;
        chi += std::pow(seen[log_f] - mean, 2) / mean;
        ++cells;
    }
    CHECK(cells > 5);
    CHECK(std::abs(chi - (cells - 1)) < 4 * std::sqrt(2 * (cells - 1)));
    CHECK(seen.size() <= expected.size());
}

TEST_CASE("without the energy it is the model's own distribution, given the numbers of symbols (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(2, 3)));
    request.holding = "1=2";
    const Drawn drawn = drawn_by(request, 2000, 8);
    CHECK(drawn.log_f.empty());
    const at::NoGradGuard no_grad;
    const TrainedModel trained = load_model(request, shipped_plugins(), [] {});
    Enumeration all(6, 2, [](State) { return 0.0; });
    const std::vector<double> log_p = log_p_of(*trained.parts.network, all);
    for (std::size_t number = 0; number < log_p.size(); ++number)
        all.log_f[number] = ones(all.state(number)) == 2 ? log_p[number] : -INFINITY;
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, drawn.rows)) < 4);
}

TEST_CASE("constrained proposals have a normalised density, hold what they must") {
    const at::NoGradGuard no_grad;
    const TrainedModel trained =
        load_model(inference_fixture::about(Verb::sample, model_of(potts)), shipped_plugins(), [] {});
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const auto draw = [&](const std::string& text) {
        const Holding holding = holding_of(text, trained.parts.domain);
        return HoldingDraws(*trained.parts.network, holding, at::kCPU).draw(4000, generator, [] {});
    };
    // (held, number of such states of 6 sites): along each order the sum of q / q counts them.
    for (const auto& [text, states] :
         {std::pair{"2=3", 20.0 * 8}, {"0=1,1=2,2=3", 60.0}, {"1=0", 64.0}, {"0=6", 1.0}}) {
        CAPTURE(std::string(text));
        const Generated drawn = draw(text);
        const at::Tensor inverse = drawn.log_p.neg().exp();
        const double error = inverse.std().item<double>() / std::sqrt(4000.0);
        CHECK(std::abs(inverse.mean().item<double>() - states) < 5 * error + 1e-9 * states);
        const at::Tensor counts = (drawn.x.unsqueeze(2) == at::arange(3)).sum(1);
        if (std::string(text) == "2=3") CHECK(counts.select(1, 2).eq(3).all().item<bool>());
        if (std::string(text) == "1=0") CHECK(counts.select(1, 1).eq(0).all().item<bool>());
        if (states == 60) CHECK(counts.eq(at::tensor({1, 2, 3}, at::kLong)).all().item<bool>());
        CHECK(counts.sum(1).eq(6).all().item<bool>());
    }
}

TEST_CASE("sites that are independent and alike are proposed evenly, whatever the model's share of a symbol") {
    const at::NoGradGuard no_grad;
    const Domain domain{6, 3, {{6}, false}};
    const at::Tensor log_p = 1.7 * (all_states(domain) == 2).sum(1);
    const auto network = make_table_network(domain, log_p, log_p);
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const HoldingDraws draws(*network, holding_of("2=3", domain), at::kCPU);
    const at::Tensor log_q = draws.draw(200, generator, [] {}).log_p;
    CHECK((log_q + std::log(20.0 * 8)).abs().max().item<double>() < 1e-5);
}

TEST_CASE("what cannot be drawn so is one sentence") {
    const InferenceRequest ising = inference_fixture::about(Verb::sample, model_of(lattice(2, 3)));
    for (const auto& [holding, sentence] : std::vector<std::pair<std::string, std::string>>{
             {"1:2", "--holding: '1:2' is not SYMBOL=SITES, two whole numbers, such as 1=50"},
             {"1=", "--holding: '1=' is not SYMBOL=SITES, two whole numbers, such as 1=50"},
             {"1=2,", "--holding: '' is not SYMBOL=SITES, two whole numbers, such as 1=50"},
             {"1=-2", "--holding: '1=-2' is not SYMBOL=SITES, two whole numbers, such as 1=50"},
             {"1=99999999999999999999",
              "--holding: '1=99999999999999999999' is not SYMBOL=SITES, two whole numbers, "
              "such as 1=50"},
             {"2=1", "--holding: there is no symbol 2; they are 0 to 1"},
             {"1=2,1=2", "--holding: symbol 1 is given twice"},
             {"1=7", "--holding: the counts add up to more than the 6 sites of a state"},
             {"0=4,1=3", "--holding: the counts add up to more than the 6 sites of a state"},
             {"0=4,1=1",
              "--holding: all symbols have a count, and these leave 1 of the 6 sites of a state without one; "
              "leave one symbol out, or make them add up"}})
        CHECK(refusal(ising, false, holding) == sentence);
    InferenceRequest quick = inference_fixture::about(Verb::sample, model_of(lattice(2, 3), "ao-arm"));
    quick.passes = 2;
    CHECK(refusal(quick, true, "1=3") == "--holding draws states site by site; leave --passes out");
    CHECK(refusal(inference_fixture::about(Verb::sample, model_of(lattice(2, 3), "pcd")), true, "") ==
          "--metropolis needs the exact density of the model's states, and that of objective 'pcd' is an estimate");
    CHECK(refusal(inference_fixture::about(Verb::sample, model_of(lattice(2, 3), "gflownet-tb")), false, "1=3") ==
          "--holding needs the exact density of the model's states, and that of objective 'gflownet-tb' is a bound");
    const RowsFile rows;
    const std::string data = "[dataset]\nplugin = \"table\"\nfile = \"" + rows.path() + "\"\ncategories = 2\n";
    CHECK(refusal(inference_fixture::about(Verb::sample, model_of(data, "ao-arm")), true, "") ==
          "--metropolis draws states of a trial's energy, and this one learnt from dataset 'table'");
}

TEST_CASE("the same seed gives the same states, and JSON has both densities") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(2, 3)));
    request.metropolis = true;
    request.count = 50;
    const std::string first = inference_fixture::answer(request);
    CHECK(inference_fixture::answer(request) == first);
    const auto drawn = lines(first);
    REQUIRE(drawn.size() == 50);
    CHECK(drawn[0].contains("log_f"));
    CHECK(drawn[0].contains("log_p"));
    request.trial.seed = 1;
    CHECK(inference_fixture::answer(request) != first);
    request.metropolis = false;
    CHECK_FALSE(lines(inference_fixture::answer(request))[0].contains("log_f"));
}

}  // namespace train_chain_sample
