// Networks that see the energy's couplings: what they make of a graph and of a lattice.
#include <doctest/doctest.h>

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/energy.h>
#include <marginalia/network_joint.h>
#include <marginalia/pair_graph.h>
#include <torch/script.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/random_form.h"
#include "tests/worker/trial_fixture.h"

namespace train_couplings {

using namespace marginalia;

namespace {

using Values = std::map<std::string, ParameterValue, std::less<>>;

Values graph_values(std::int64_t bodies = 1, const std::string& aggregation = "sum") {
    return {{"layers", std::int64_t{3}}, {"width", std::int64_t{12}}, {"aggregation", aggregation},      {"pool", true},
            {"bodies", bodies},          {"known_fraction", true},    {"readout", std::string("linear")}};
}

Values lattice_values(std::int64_t site_channels = 0) {
    return {{"channels", std::int64_t{6}},
            {"layers", std::int64_t{2}},
            {"pool", false},
            {"site_channels", site_channels},
            {"couplings", true}};
}

Values unet_values() {
    return {{"preset", std::string("cpu")},
            {"channels", std::string("8,12")},
            {"blocks", std::string("1")},
            {"attention", std::string("0")},
            {"patch", std::int64_t{1}},
            {"heads", std::int64_t{2}},
            {"group_channels", std::int64_t{4}},
            {"bodies", std::int64_t{1}},
            {"known_fraction", true},
            {"couplings", true},
            {"readout", std::string("linear")}};
}

std::unique_ptr<Network> make(const std::string& plugin, const Values& values, const Domain& domain) {
    at::Generator weights = make_generator(at::kCPU, 1, 1), generator = make_generator(at::kCPU, 3, 7);
    const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", plugin));
    const std::unique_ptr<torch::jit::Module> module(factory(Params(values), domain, weights));
    auto network = std::make_unique<Network>(*module, domain);
    const at::NoGradGuard no_grad;
    for (at::Tensor parameter : network->parameters()) parameter.add_(0.3 * at::randn(parameter.sizes(), generator));
    return network;
}

std::string refusal(const std::string& plugin, const Values& values, const Domain& domain) {
    try {
        make(plugin, values, domain);
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

at::Tensor partial_states(const Domain& domain, std::int64_t rows = 8) {
    at::Generator generator = make_generator(at::kCPU, 5, 1);
    return at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
}

bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-4, 1e-4); }

// Ten sites, one of them with six neighbours and one with none; the pair of 2 and 5 is named three times.
const Edges hub = {{0, 1}, {2, 0}, {0, 3}, {4, 0}, {0, 5}, {6, 0}, {2, 5}, {5, 2}, {2, 5}, {7, 8}, {8, 6}};

// The same energy with site d called to[d].
Domain renamed(const Domain& domain, const std::vector<std::int64_t>& to) {
    EnergyForm form = *domain.form;
    const auto width = static_cast<std::size_t>(domain.categories);
    for (std::size_t site = 0; site < to.size(); ++site)
        for (std::size_t k = 0; k < width; ++k)
            form.fields[static_cast<std::size_t>(to[site]) * width + k] = domain.form->fields[site * width + k];
    for (EnergyForm::Pair& pair : form.pairs) {
        pair.first = static_cast<std::uint32_t>(to[pair.first]);
        pair.second = static_cast<std::uint32_t>(to[pair.second]);
    }
    return {domain.sites, domain.categories, domain.layout, std::make_shared<const EnergyForm>(std::move(form))};
}

}  // namespace

TEST_CASE("a graph of pairs is the energy up to a constant, with nothing of single sites in its tables") {
    for (const std::int64_t categories : {2, 3}) {
        const Domain domain = random_domain({{9}, false}, categories, hub);
        const PairGraph graph = pair_graph(domain, "the test");
        CHECK(graph.first.size(0) == 9);
        CHECK((graph.first < graph.second).all().item<bool>());
        CHECK(graph.fields.sum(1).abs().max().item<double>() < 1e-5);
        CHECK(graph.tables.sum(1).abs().max().item<double>() < 1e-5);
        CHECK(graph.tables.sum(2).abs().max().item<double>() < 1e-5);
        Domain plain = domain;
        EnergyForm form;
        const at::Tensor fields = graph.fields.to(at::kDouble).contiguous();
        form.fields.assign(fields.data_ptr<double>(), fields.data_ptr<double>() + fields.numel());
        for (std::int64_t pair = 0; pair < graph.first.size(0); ++pair) {
            const at::Tensor table = graph.tables[pair].to(at::kDouble).contiguous();
            form.pairs.push_back({static_cast<std::uint32_t>(graph.first[pair].item<std::int64_t>()),
                                  static_cast<std::uint32_t>(graph.second[pair].item<std::int64_t>()),
                                  static_cast<std::uint32_t>(pair)});
            form.tables.emplace_back(table.data_ptr<double>(), table.data_ptr<double>() + table.numel());
        }
        plain.form = std::make_shared<const EnergyForm>(std::move(form));
        const at::Tensor x = partial_states(domain, 50).clamp_max(categories - 1);
        CHECK((log_f_of(domain, x) - log_f_of(plain, x)).std().item<double>() < 1e-5);
    }
    const PairGraph none = pair_graph(random_domain({{3}, false}, 2, {}), "the test");
    CHECK(none.directed_tables().sizes() == at::IntArrayRef{0, 2, 2});
}

TEST_CASE("an energy's form is asked for its couplings, and one with hidden units has none") {
    struct Units final : Energy {
        explicit Units(EnergyForm form) : Energy(2, 2), form_(std::move(form)) {}
        double log_density(State) const override { return 0; }
        std::optional<EnergyForm> form() const override { return form_; }
        const EnergyForm form_;
    };
    EnergyForm form;
    form.tables = {{1, 0, 0, 1}};
    form.pairs = {{0, 1, 0}};
    CHECK(pair_form(Units(form))->pairs.size() == 1);
    form.pairs = {{0, 2, 0}};
    CHECK_THROWS_WITH_AS(pair_form(Units(form)), doctest::Contains("the energy's form has a pair of the sites 0 and 2"),
                         Error);
    form.pairs.clear();
    form.bias = {0.5};
    form.weights = {1, 2};
    CHECK((pair_form(Units(form)) == nullptr));
}

TEST_CASE("graph gives each site the same whatever the sites are called") {
    const at::NoGradGuard no_grad;
    const std::vector<std::int64_t> to = {4, 7, 0, 9, 1, 3, 8, 2, 6, 5};
    const at::Tensor new_name = at::tensor(to, at::kLong);
    for (const std::int64_t bodies : {1, 2})
        for (const std::string aggregation : {"sum", "mean"}) {
            CAPTURE(bodies);
            CAPTURE(aggregation);
            const Domain domain = random_domain({{10}, false}, 3, hub);
            const auto here = make("graph", graph_values(bodies, aggregation), domain);
            const auto there = make("graph", graph_values(bodies, aggregation), renamed(domain, to));
            const at::Tensor x = partial_states(domain), y = x.index_select(1, new_name.argsort());
            const at::Tensor logits = here->conditional_logits(x), marginal = here->log_marginal(x);
            CHECK(marginal.std().item<double>() > 0.1);
            CHECK(close(there->log_marginal(y), marginal));
            CHECK(close(there->conditional_logits(y).index_select(1, new_name), logits));
        }
}

TEST_CASE("graph sees couplings as far away as it has layers") {
    const at::NoGradGuard no_grad;
    const Edges chain = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
    Values values = graph_values();
    values["pool"] = false;
    const Domain domain = random_domain({{6}, false}, 2, chain);
    EnergyForm form = *domain.form;
    for (const std::size_t entry : {0, 1, 2, 3}) form.tables[0][entry] += entry == 1 || entry == 2 ? -1 : 1;  // 0 and 1
    Domain changed = domain;
    changed.form = std::make_shared<const EnergyForm>(form);
    const at::Tensor x = partial_states(domain);
    const at::Tensor moved =
        (make("graph", values, changed)->conditional_logits(x) - make("graph", values, domain)->conditional_logits(x))
            .abs()
            .amax({0, 2});
    for (std::int64_t site = 0; site < 4; ++site) CHECK(moved[site].item<double>() > 1e-4);
    CHECK(moved[4].item<double>() == 0);
    CHECK(moved[5].item<double>() == 0);
}

TEST_CASE("weights of graph serve other graphs, and those of lattice-conv and unet other lattices and couplings") {
    const at::NoGradGuard no_grad;
    const auto moves = [](const std::string& plugin, const Values& values, const Domain& from, const Domain& to) {
        const auto learnt = make(plugin, values, from);
        for (at::Tensor weights : learnt->parameters()) weights.mul_(0.5);
        const auto other = make(plugin, values, to), again = make(plugin, values, from);
        load_weights(save_checkpoint(*learnt, "{}", {}), *other);
        load_weights(save_checkpoint(*other, "{}", {}), *again);
        const at::Tensor x = partial_states(from);
        CHECK(at::equal(again->log_marginal(x), learnt->log_marginal(x)));
        const at::Tensor elsewhere = other->log_marginal(partial_states(to));
        CHECK(elsewhere.isfinite().all().item<bool>());
        CHECK(elsewhere.std().item<double>() > 0);
    };
    const Domain small = random_domain({{3, 4}, true}, 2, torus_edges(3, 4)),
                 large = random_domain({{5, 5}, true}, 2, torus_edges(5, 5), 2);
    moves("graph", graph_values(2), random_domain({{10}, false}, 2, hub), small);
    moves("lattice-conv", lattice_values(), small, large);
    moves("unet", unet_values(), small, large);
}

TEST_CASE("lattice-conv with couplings looks the same from every site where the couplings do") {
    const at::NoGradGuard no_grad;
    const Domain domain = random_domain({{7, 6}, true}, 3, torus_edges(7, 6));
    std::vector<std::int64_t> to;  // two rows down, a column to the right
    for (std::int64_t site = 0; site < 42; ++site) to.push_back((site / 6 + 2) % 7 * 6 + (site % 6 + 1) % 6);
    const at::Tensor new_name = at::tensor(to, at::kLong);
    const auto here = make("lattice-conv", lattice_values(), domain),
               there = make("lattice-conv", lattice_values(), renamed(domain, to));
    const at::Tensor x = partial_states(domain), y = x.index_select(1, new_name.argsort());
    CHECK(close(there->log_marginal(y), here->log_marginal(x)));
    CHECK(close(there->conditional_logits(y).index_select(1, new_name), here->conditional_logits(x)));
    CHECK_FALSE(close(here->conditional_logits(y).index_select(1, new_name), here->conditional_logits(x)));
    CHECK_FALSE(close(make("unet", unet_values(), domain)->log_marginal(x),
                      make("unet", unet_values(), renamed(domain, to))->log_marginal(x)));
    const at::Tensor site = at::arange(8) * 5;
    const at::Tensor right = here->conditional_logits(x).gather(1, site.view({8, 1, 1}).expand({8, 1, 3})).squeeze(1);
    CHECK(close(here->conditional_at(x, site), right));  // from patches
    CHECK(close(here->joint(x, site).logits, right));
}

TEST_CASE("the planes of a lattice hold fields and both bonds of each site") {
    EnergyForm form;
    form.fields.assign(12, 0);
    form.fields[0] = 1;  // site 0, symbol 0
    form.tables = {{0.5, -0.5, -0.5, 0.5}, {3, 0, 0, 0}};
    form.pairs = {{0, 1, 0}, {2, 5, 0}, {2, 0, 0}, {3, 4, 1}};
    Domain domain{6, 2, {{2, 3}, true}, std::make_shared<const EnergyForm>(form)};
    const at::Tensor planes = make("lattice-conv", lattice_values(2), domain)->module().attr("couplings").toTensor();
    REQUIRE(planes.sizes() == at::IntArrayRef{10, 2, 3});
    const auto at_site = [&](std::int64_t plane, std::int64_t site) {
        return std::sinh(planes[plane].flatten()[site].item<double>());
    };
    CHECK(at_site(0, 0) == doctest::Approx(0.5));
    CHECK(at_site(1, 0) == doctest::Approx(-0.5));
    CHECK(at_site(2, 0) == doctest::Approx(0.5));  // 0 and 1, in the row
    CHECK(at_site(3, 0) == doctest::Approx(-0.5));
    CHECK(at_site(2, 2) == doctest::Approx(0.5));   // 2 and 0, round the torus
    CHECK(at_site(6, 2) == doctest::Approx(0.5));   // 2 and 5, in the column
    CHECK(at_site(2, 3) == doctest::Approx(0.75));  // 3 and 4, without what is of one of them
    CHECK(at_site(0, 3) == doctest::Approx(0.75));
    CHECK(at_site(0, 4) == doctest::Approx(0.75));
    CHECK(planes.abs().sum({1, 2}).slice(0, 6, 10).sum().item<double>() ==
          doctest::Approx(4 * std::asinh(0.5)).epsilon(1e-5));
}

TEST_CASE("what has no couplings, or not those of a lattice, is refused in a sentence") {
    const Domain data{6, 2, {{2, 3}, true}};
    const std::string needs =
        " needs an energy that is a sum of terms of single sites and of pairs of sites, all finite and with as many "
        "symbols at every site, such as ising, potts, edwards-anderson or qubo";
    CHECK(refusal("graph", graph_values(), data) == "network 'graph'" + needs);
    CHECK(refusal("lattice-conv", lattice_values(), data) == "network 'lattice-conv' with couplings = true" + needs);
    CHECK(refusal("unet", unet_values(), data) == "network 'unet' with couplings = true" + needs);
    CHECK(refusal("lattice-conv", lattice_values(), random_domain({{3, 4}, false}, 2, {{0, 1}, {1, 6}})) ==
          "network 'lattice-conv' with couplings = true needs pairs of neighbours on a lattice, and the energy has one "
          "of the sites 1 and 6 of 3 x 4; use the network 'graph' for it");
    CHECK(refusal("lattice-conv", lattice_values(), random_domain({{3, 4}, false}, 2, {{0, 3}})).find("0 and 3") !=
          std::string::npos);  // neighbours on a torus alone
}

}  // namespace train_couplings
