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

std::string model_of(const std::string& target, const std::string& objective = "mam-heat-bath") {
    return "name = \"t\"\n" + target +
           "[network]\nplugin = \"mlp\"\nhidden = 16\nlayers = 2\n[objective]\nplugin = \"" + objective + "\"\n";
}

std::string lattice(int rows, int columns, const std::string& coupling = "0.15") {
    return "[energy]\nplugin = \"ising\"\nrows = " + std::to_string(rows) + "\ncolumns = " + std::to_string(columns) +
           "\ncoupling = " + coupling + "\nfield = 0.1\n[sampler]\nplugin = \"single-site-gibbs\"\n";
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

std::unique_ptr<const Energy> ising_of(const std::string& rows, const std::string& coupling) {
    return energy_plugin::make("ising", {{"rows", rows}, {"columns", rows}, {"coupling", coupling}, {"field", "0.1"}});
}

// The energies of states of which so many sites are 1, against the sum over all of them.
void check_energies(const Drawn& drawn, const Energy& energy, std::size_t held) {
    const Enumeration all(energy);
    std::map<std::int64_t, double> expected, seen;  // by log f in thousandths
    const auto level = [](double log_f) { return std::llround(1000 * log_f); };
    double total = 0;
    for (std::size_t number = 0; number < all.log_f.size(); ++number)
        if (ones(all.state(number)) == held)
            total += std::exp(all.log_f[number]), expected[level(all.log_f[number])] += std::exp(all.log_f[number]);
    for (std::size_t i = 0; i < drawn.log_f.size(); ++i) {
        CHECK(ones(State(drawn.rows).subspan(all.sites * i, all.sites)) == held);
        ++seen[level(drawn.log_f[i])];
    }
    double chi = 0, cells = 0;
    for (const auto& [log_f, weight] : expected) {
        const double mean = weight / total * static_cast<double>(drawn.log_f.size());
        if (mean < 10) continue;
        chi += std::pow(seen[log_f] - mean, 2) / mean;
        ++cells;
    }
    CHECK(cells >= 4);
    CHECK(std::abs(chi - (cells - 1)) < 4 * std::sqrt(2 * (cells - 1)));
    CHECK(seen.size() <= expected.size());
}

// Against the model's probabilities of six sites of which two are 1.
void check_states_of_model(const InferenceRequest& request, const Drawn& drawn) {
    const at::NoGradGuard no_grad;
    const TrainedModel trained = load_model(request, shipped_plugins(), [] {});
    Enumeration all(6, 2, [](State) { return 0.0; });
    const std::vector<double> log_p = log_p_of(*trained.parts.network, all);
    for (std::size_t number = 0; number < log_p.size(); ++number)
        all.log_f[number] = ones(all.state(number)) == 2 ? log_p[number] : -INFINITY;
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, drawn.rows)) < 4);
}

// Of one value a chain.
std::pair<double, double> mean_and_error(const std::vector<double>& values) {
    const at::Tensor all = at::tensor(values, at::kDouble);
    return {all.mean().item<double>(), all.std().item<double>() / std::sqrt(static_cast<double>(values.size()))};
}

}  // namespace

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
    CHECK(drawn.report.find("exchanges") == std::string::npos);
    check_energies(drawn, *ising_of("4", "0.15"), 8);
}

TEST_CASE("in its ordered phase exchanges come to help where few proposals are accepted (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(4, 4, "0.6")), 0.1);
    request.metropolis = true;
    request.holding = "1=8";
    const Drawn drawn = drawn_by(request, 400, 1);
    CHECK(drawn.report.find(" of the proposals accepted, 300 sweeps of exchanges after each\n") != std::string::npos);
    check_energies(drawn, *ising_of("4", "0.6"), 8);
    request.exchange = 0;  // then there are none
    CHECK(drawn_by(request, 10, 1).report.find("exchanges") == std::string::npos);
}

TEST_CASE("10x10 far below the ordering temperature, half up: as long chains of exchanges have it (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(10, 10, "0.6")), 0.1);
    request.metropolis = true;
    request.holding = "1=50";
    const Drawn drawn = drawn_by(request, 96, 1);
    const auto energy = ising_of("10", "0.6");
    std::vector<double> long_chains;
    const Exchanges exchanges(*energy, holding_of("", "1=50", 100, 2));
    for (std::uint64_t chain = 0; chain < 64; ++chain) {
        FastRandom random(7, chain);
        Bytes x(100);
        exchanges.draw_any(x, random);
        for (int sweep = 0; sweep < 4000; ++sweep) exchanges.sweep(x, random);
        double mean = 0;
        for (int sweep = 0; sweep < 4000; ++sweep) {
            exchanges.sweep(x, random);
            mean += energy->log_density(x) / 4000;
        }
        long_chains.push_back(mean);
    }
    std::vector<double> chains(16, 0);  // of the model
    for (std::size_t row = 0; row < drawn.log_f.size(); ++row) {
        CHECK(ones(State(drawn.rows).subspan(100 * row, 100)) == 50);
        chains[row % 16] += drawn.log_f[row] / 96;
    }
    const auto [mean, error] = mean_and_error(chains);
    const auto [exact, its_error] = mean_and_error(long_chains);
    std::cout << mean << " +- " << error << ", long chains " << exact << " +- " << its_error << "\n";
    CHECK(std::abs(mean - exact) < 4 * std::hypot(error, its_error));
    CHECK(error < 0.5);
}

TEST_CASE("exchanges leave the model's own distribution as it is where that is the target (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(2, 3, "0.3")));
    request.holding = "1=2";
    request.exchange = 2;
    const Drawn drawn = drawn_by(request, 2000, 8);
    CHECK(drawn.report.find("2 sweeps of exchanges after each, 0.") != std::string::npos);
    check_states_of_model(request, drawn);
}

TEST_CASE("without the energy it is the model's own distribution, given the numbers of symbols (4 sigma)") {
    InferenceRequest request = inference_fixture::about(Verb::sample, model_of(lattice(2, 3)));
    request.holding = "1=2";
    check_states_of_model(request, drawn_by(request, 2000, 8));
}

TEST_CASE("constrained proposals have a normalised density, hold what they must") {
    const at::NoGradGuard no_grad;
    const TrainedModel trained =
        load_model(inference_fixture::about(Verb::sample, model_of(potts)), shipped_plugins(), [] {});
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const auto draw = [&](const std::string& text) {
        const Holding holding = holding_of("", text, 6, 3);
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
    const HoldingDraws draws(*network, holding_of("", "2=3", 6, 3), at::kCPU);
    const at::Tensor log_q = draws.draw(200, generator, [] {}).log_p;
    CHECK((log_q + std::log(20.0 * 8)).abs().max().item<double>() < 1e-5);
    // And so is the density of states that come from elsewhere.
    const at::Tensor given = at::tensor({2, 2, 2, 0, 0, 1, 0, 2, 1, 2, 1, 2}, at::kLong).view({2, 6});
    CHECK((draws.log_density(given, generator, [] {}) + std::log(20.0 * 8)).abs().max().item<double>() < 1e-5);
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
    InferenceRequest of_data = inference_fixture::about(Verb::sample, model_of(data, "ao-arm"));
    CHECK(refusal(of_data, true, "") ==
          "--metropolis draws states of a trial's energy, and this one learnt from dataset 'table'");
    of_data.exchange = 10;
    CHECK(refusal(of_data, false, "1=1") ==
          "--exchange moves states on a trial's energy, and this one learnt from dataset 'table'; leave it out");
    CHECK(refusal(of_data, false, "") ==
          "--exchange keeps the numbers of symbols that --holding gives; add --holding, or leave it out");
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
