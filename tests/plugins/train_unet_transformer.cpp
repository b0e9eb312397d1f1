// The networks unet and transformer: what their manuals say of them, on small instances.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <doctest/doctest.h>
#include <marginalia/model.h>
#include <marginalia/network_joint.h>
#include <marginalia/orders.h>
#include <torch/script.h>

#include <set>
#include <sstream>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/train/optimizer.h"
#include "tests/worker/every_state.h"
#include "tests/worker/trial_fixture.h"

namespace train_unet_transformer {

using namespace marginalia;

namespace {

using Values = std::map<std::string, ParameterValue, std::less<>>;

// Three resolutions, group norms of several channels, attention at the last two.
Values small_unet(std::int64_t bodies) {
    return {{"preset", std::string("cpu")},
            {"channels", std::string("8,12,16")},
            {"blocks", std::string("1")},
            {"attention", std::string("0, 1,1")},
            {"patch", std::int64_t{1}},
            {"heads", std::int64_t{2}},
            {"group_channels", std::int64_t{4}},
            {"bodies", bodies},
            {"known_fraction", true},
            {"couplings", false},
            {"readout", std::string("linear")}};
}

Values small_transformer(std::int64_t bodies) {
    return {{"preset", std::string("cpu-small")},
            {"components", std::int64_t{10}},
            {"layers", std::int64_t{2}},
            {"width", std::int64_t{12}},
            {"heads", std::int64_t{3}},
            {"feed_forward", std::int64_t{20}},
            {"bodies", bodies},
            {"known_fraction", true},
            {"readout", std::string("linear")}};
}

Values with(Values values, const std::string& key, ParameterValue value) {
    values[key] = std::move(value);
    return values;
}

struct Case {
    std::string plugin;
    Values values;
    Layout layout;
    std::int64_t categories;
};

std::vector<Case> cases() {
    std::vector<Case> list;
    for (const std::int64_t bodies : {1, 2}) {
        list.push_back({"unet", small_unet(bodies), {{8, 8}, true}, 2});
        list.push_back({"unet", small_unet(bodies), {{5, 7}, false}, 3});
        list.push_back({"unet", small_unet(bodies), {{5, 3}, true}, 3});
        list.push_back({"unet", with(small_unet(bodies), "patch", std::int64_t{2}), {{5, 6}, false}, 3});
        list.push_back({"unet", with(small_unet(bodies), "patch", std::int64_t{3}), {{6, 6}, true}, 2});
        list.push_back({"transformer", small_transformer(bodies), {{9}, false}, 4});
        list.push_back({"transformer", with(small_transformer(bodies), "layers", std::int64_t{1}), {{2, 3}, true}, 2});
        list.push_back({"unet", with(small_unet(bodies), "readout", std::string("softmax")), {{5, 6}, false}, 3});
        list.push_back(
            {"transformer", with(small_transformer(bodies), "readout", std::string("softmax")), {{7}, false}, 4});
    }
    list.push_back({"unet", with(small_unet(1), "channels", std::string("8")), {{1, 6}, false}, 2});
    list.back().values["attention"] = std::string("1");
    list.push_back({"unet", with(small_unet(1), "known_fraction", false), {{6, 4}, false}, 2});
    list.push_back({"transformer", with(small_transformer(2), "known_fraction", false), {{5}, false}, 3});
    return list;
}

struct Built {
    explicit Built(const Case& c, std::uint64_t seed = 30) {
        domain = {1, c.categories, c.layout};
        for (const std::int64_t extent : c.layout.shape) domain.sites *= extent;
        at::Generator weights = make_generator(at::kCPU, 1, seed);
        const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", c.plugin));
        const std::unique_ptr<torch::jit::Module> module(factory(Params(c.values), domain, weights));
        network = std::make_unique<Network>(*module, domain);
        generator = make_generator(at::kCPU, 1, 31);
    }

    // Weights away from the start, where heads and residual parts are zero.
    void shake() {
        const at::NoGradGuard no_grad;
        for (at::Tensor p : network->parameters()) {
            const double inputs = p.dim() > 1 ? static_cast<double>(p.numel() / p.size(0)) : 9;
            p.add_(at::randn(p.sizes(), generator), 0.6 / std::sqrt(inputs));
        }
    }
    at::Tensor random_partial(std::int64_t rows) {
        return at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
    }
    at::Tensor weights(const std::string& name) const { return network->module().attr(name).toTensor(); }

    Domain domain{};
    std::unique_ptr<Network> network;
    at::Generator generator;
};

// Calls `test(built, case)` on every case.
template <class Test>
void on_all(bool shaken, Test&& test) {
    for (const Case& c : cases()) {
        CAPTURE(c.plugin);
        CAPTURE(c.layout.shape.front());
        CAPTURE(c.layout.shape.back());
        CAPTURE(std::get<std::int64_t>(c.values.at("bodies")));
        Built built(c);
        if (shaken) built.shake();
        test(built, c);
    }
}

bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-4, 1e-4); }

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

void clear_gradients(const Network& network) {
    for (at::Tensor parameter : network.parameters()) parameter.mutable_grad().reset();
}

bool has_gradient(const at::Tensor& parameter) {
    return parameter.grad().defined() && parameter.grad().abs().max().item<double>() > 0;
}

// Any-order likelihood and self-consistency together, on states of equal symbols, 0 and 1 alike.
at::Tensor loss_on_equal_symbols(Built& built) {
    const std::int64_t rows = 32, sites = built.domain.sites;
    const at::Tensor x = at::arange(rows, at::kLong).remainder(2).unsqueeze(1).expand({rows, sites}).contiguous();
    const auto link = random_chain_link(x, 2, built.generator);
    const at::Tensor log_p =
        built.network->conditional_logits(link.before).log_softmax(2).gather(2, x.unsqueeze(2)).squeeze(2);
    const at::Tensor unknown = link.before == 2;
    const at::Tensor likelihood = (log_p * unknown).sum(1) / unknown.sum(1);
    const auto pass = built.network->joint(at::cat({link.before, link.after}), link.site);
    const auto marginal = pass.log_marginal.split(rows);
    const at::Tensor conditional = pass.logits.log_softmax(1).gather(1, link.symbol.unsqueeze(1)).squeeze(1);
    return (marginal[0] + conditional - marginal[1]).square().mean() - likelihood.mean();
}

}  // namespace

TEST_CASE("a new network is the uniform distribution, in the shapes asked for") {
    on_all(false, [](Built& built, const Case& c) {
        const at::Tensor x = built.random_partial(7);
        const at::Tensor known = (x < c.categories).sum(1).to(at::kFloat);
        CHECK(close(built.network->log_marginal(x), known * -std::log(static_cast<double>(c.categories))));
        const at::Tensor logits = built.network->conditional_logits(x);
        CHECK(logits.sizes() == at::IntArrayRef{7, built.domain.sites, c.categories});
        CHECK(logits.abs().max().item<double>() == 0);
    });
}

TEST_CASE("the marginal of the empty set is zero whatever the weights") {
    on_all(true, [](Built& built, const Case& c) {
        const at::Tensor blank = at::full({2, built.domain.sites}, c.categories, at::kLong);
        CHECK(built.network->log_marginal(blank).abs().max().item<double>() < 1e-5);
        CHECK(built.network->log_marginal(built.random_partial(9)).std().item<double>() > 0.01);
    });
}

TEST_CASE("one site's conditional, the joint pass and relaxed states agree with the full passes") {
    on_all(true, [](Built& built, const Case& c) {
        const at::Tensor x = built.random_partial(11), some = x.slice(0, 0, 5);
        const at::Tensor site = at::randint(built.domain.sites, {5}, built.generator, at::kLong);
        const at::Tensor index = site.view({5, 1, 1}).expand({5, 1, c.categories});
        const at::Tensor expected = built.network->conditional_logits(some).gather(1, index).squeeze(1);
        CHECK(expected.std().item<double>() > 0.01);
        CHECK(close(built.network->conditional_at(some, site), expected));
        const auto joint = built.network->joint(x, site);
        CHECK(close(joint.logits, expected));
        CHECK(close(joint.log_marginal, built.network->log_marginal(x)));
        const at::Tensor full = x.clamp_max(c.categories - 1);
        CHECK(close(built.network->log_marginal_relaxed(at::one_hot(full, c.categories).to(at::kFloat)),
                    built.network->log_marginal(full)));
    });
}

TEST_CASE("three steps away from the start gradients reach every parameter") {
    on_all(false, [](Built& built, const Case&) {
        const at::Tensor x = built.random_partial(16),
                         site = at::randint(built.domain.sites, {16}, built.generator, at::kLong);
        for (int step = 0; step <= 3; ++step) {
            clear_gradients(*built.network);
            const auto joint = built.network->joint(x, site);
            const at::Tensor surprise = -joint.logits.log_softmax(1).select(1, 0).sum();
            (surprise + (joint.log_marginal + 3).square().sum()).backward();
            if (step == 3) break;
            const at::NoGradGuard no_grad;
            for (at::Tensor p : built.network->parameters())
                if (p.grad().defined()) p.sub_(p.grad().sign(), 0.02);
        }
        for (const auto& parameter : built.network->module().named_parameters()) {
            CAPTURE(parameter.name);
            CHECK(has_gradient(parameter.value));
        }
    });
}

TEST_CASE("names tell which head a parameter serves") {
    const std::set<std::string> readouts = {"theta_u", "theta_v", "theta_c", "phi_v", "phi_c"};
    on_all(true, [&](Built& built, const Case& c) {
        const at::Tensor x = built.random_partial(8);
        for (const bool marginal : {true, false}) {
            clear_gradients(*built.network);
            if (marginal) built.network->log_marginal(x).square().sum().backward();
            else built.network->conditional_logits(x).square().sum().backward();
            for (const auto& parameter : built.network->module().named_parameters()) {
                CAPTURE(parameter.name);
                CHECK(has_gradient(parameter.value) == !starts_with(parameter.name, marginal ? "phi_" : "theta_"));
                if (readouts.contains(parameter.name)) continue;
                const bool own = starts_with(parameter.name, "phi_") || starts_with(parameter.name, "theta_");
                CHECK(own == (std::get<std::int64_t>(c.values.at("bodies")) == 2));
                if (starts_with(parameter.name, "theta_"))
                    CHECK(built.weights("phi_" + parameter.name.substr(6)).sizes() == parameter.value.sizes());
            }
        }
    });
}

TEST_CASE("the density sums to one over all states, along any order") {
    for (const Case& c :
         {Case{"unet", small_unet(1), {{2, 4}, false}, 2}, Case{"unet", small_unet(2), {{2, 3}, true}, 3},
          Case{"transformer", small_transformer(2), {{8}, false}, 2}}) {
        CAPTURE(c.plugin);
        Built built(c);
        built.shake();
        const at::NoGradGuard no_grad;
        const at::Tensor states = every_state(built.domain);
        const at::Tensor order = random_orders(1, built.domain.sites, built.generator, at::kCPU).expand(states.sizes());
        const at::Tensor log_p = log_density_along(*built.network, states, order, [] {});
        CHECK(log_p.std().item<double>() > 0.1);
        CHECK(log_p.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-5));
    }
}

TEST_CASE("bfloat16 is close to float32, and heads come out in float32") {
    on_all(true, [](Built& built, const Case&) {
        const at::NoGradGuard no_grad;
        const at::Tensor x = built.random_partial(24);
        const at::Tensor marginal = built.network->log_marginal(x), logits = built.network->conditional_logits(x);
        at::autocast::set_autocast_enabled(at::kCPU, true);
        at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
        const at::Tensor half_marginal = built.network->log_marginal(x),
                         half_logits = built.network->conditional_logits(x);
        at::autocast::clear_cache();
        at::autocast::set_autocast_enabled(at::kCPU, false);
        CHECK((half_marginal.scalar_type() == at::kFloat));
        CHECK((half_logits.scalar_type() == at::kFloat));
        CHECK_FALSE(at::equal(half_logits, logits));
        const auto off = [](const at::Tensor& a, const at::Tensor& b) {
            return ((a - b).norm() / b.norm()).item<double>();
        };
        CHECK(off(half_marginal, marginal) < 0.02);
        CHECK(off(half_logits, logits) < 0.05);
    });
}

TEST_CASE("a module saved and loaded gives the same bits") {
    on_all(true, [](Built& built, const Case&) {
        std::stringstream file;
        built.network->module().save(file);
        const Network loaded(torch::jit::load(file), built.domain);
        const at::NoGradGuard no_grad;
        const at::Tensor x = built.random_partial(5);
        CHECK(at::equal(loaded.log_marginal(x), built.network->log_marginal(x)));
        CHECK(at::equal(loaded.conditional_logits(x), built.network->conditional_logits(x)));
    });
}

TEST_CASE("unet looks the same from every fourth site of a torus, and stands on any lattice") {
    Built torus({"unet", small_unet(1), {{8, 12}, true}, 2});
    torus.shake();
    const at::NoGradGuard no_grad;
    const at::Tensor x = torus.random_partial(4);
    const auto shifted = [&](std::int64_t by) { return x.view({4, 8, 12}).roll({by, by}, {1, 2}).reshape({4, 96}); };
    const at::Tensor here = torus.network->log_marginal(x);
    CHECK(close(torus.network->log_marginal(shifted(4)), here));
    CHECK((torus.network->log_marginal(shifted(1)) - here).abs().max().item<double>() > 1e-3);
    Built smaller({"unet", small_unet(1), {{5, 3}, true}, 2}, 35);
    load_weights(save_checkpoint(*torus.network, "{}", {}), *smaller.network);
    CHECK(at::equal(smaller.weights("grow1_w"), torus.weights("grow1_w")));
}

TEST_CASE("trained on states of equal symbols, conditionals and marginals learn that there are two") {
    for (const Case& c : {Case{"unet", small_unet(2), {{2, 4}, false}, 2},
                          Case{"transformer", small_transformer(1), {{8}, false}, 2}}) {
        CAPTURE(c.plugin);
        Built built(c);
        const std::int64_t steps = 150;
        Optimizer optimizer(
            built.network->parameters(),
            {.steps = steps, .learning_rate = 1e-2, .schedule = "cosine", .warmup = 10, .clip = 1.0, .beta2 = 0.99});
        for (std::int64_t step = 1; step <= steps; ++step) {
            loss_on_equal_symbols(built).backward();
            optimizer.update(step);
        }
        const at::NoGradGuard no_grad;
        const at::Tensor states = at::stack({at::zeros({8}, at::kLong), at::ones({8}, at::kLong)});
        const at::Tensor order = random_orders(2, 8, built.generator, at::kCPU);
        const at::Tensor log_p = log_density_along(*built.network, states, order, [] {});
        const at::Tensor half = states.slice(1, 0, 4);
        const at::Tensor partial = at::cat({half, at::full_like(half, 2)}, 1);
        // They begin at 8 log 0.5 = -5.5 and, half of the sites known, -2.8; both are log 0.5 = -0.7.
        CHECK((log_p - std::log(0.5)).abs().max().item<double>() < 0.5);
        CHECK((built.network->log_marginal(states) - std::log(0.5)).abs().max().item<double>() < 0.5);
        CHECK((built.network->log_marginal(partial) - std::log(0.5)).abs().max().item<double>() < 0.5);
    }
}

TEST_CASE("presets have the sizes that their manuals tell") {
    const auto count = [](const Built& built) {
        std::int64_t sum = 0;
        for (const at::Tensor& parameter : built.network->parameters()) sum += parameter.numel();
        return sum;
    };
    Values unet = small_unet(1), transformer = small_transformer(1);
    for (const char* key : {"channels", "blocks", "attention"}) unet[key] = std::string();
    for (const char* key : {"patch", "heads", "group_channels"}) unet[key] = std::int64_t{0};
    for (const char* key : {"layers", "width", "heads", "feed_forward"}) transformer[key] = std::int64_t{0};
    const Layout picture{{28, 28}, false}, text{{250}, false};
    CHECK(count(Built({"unet", unet, picture, 2})) == 1'710'402);
    const Built paper({"unet", with(unet, "preset", std::string("paper")), picture, 2});
    CHECK(paper.weights("bottom_block4_conv2_w").sizes() == at::IntArrayRef{256, 256, 3, 3});
    CHECK(paper.weights("bottom_attention3_qkv").sizes() == at::IntArrayRef{768, 256});
    CHECK(paper.weights("stem_w").is_contiguous(at::MemoryFormat::ChannelsLast));
    CHECK(count(Built({"transformer", transformer, text, 27})) == 1'835'163);
    const Built medium({"transformer", with(transformer, "preset", std::string("cpu-medium")), text, 27});
    CHECK(medium.weights("layer6_w1").sizes() == at::IntArrayRef{1024, 256});
}

TEST_CASE("what does not fit is refused by name") {
    const Layout picture{{4, 4}, false}, text{{8}, false};
    const auto message = [](const Case& c) -> std::string {
        try {
            Built built(c);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    const auto unet = [&](const char* key, const char* value) {
        return message({"unet", with(small_unet(1), key, std::string(value)), picture, 2});
    };
    CHECK(message({"unet", small_unet(1), text, 2}) ==
          "network 'unet' needs variables on a two-dimensional lattice; use 'transformer' or 'mlp' for others");
    CHECK(unet("channels", "8,,16") ==
          "network 'unet': channels = \"8,,16\" is not a list of whole numbers from 1 to 65536, "
          "such as \"32,64,128\"");
    CHECK(unet("blocks", "2,2") ==
          "network 'unet': blocks = \"2,2\" has 2 numbers and channels has 3; give one for each "
          "resolution, or one for all");
    CHECK(unet("attention", "0,0,2") ==
          "network 'unet': attention = \"0,0,2\" asks for 2 attentions after 1 blocks; give more "
          "blocks or fewer attentions");
    CHECK(message({"unet", with(small_unet(1), "heads", std::int64_t{5}), picture, 2}) ==
          "network 'unet': heads = 5 does not divide the 12 channels of a resolution with attention; change heads or "
          "channels");
    CHECK(message({"unet", with(small_unet(1), "patch", std::int64_t{3}), {{6, 4}, true}, 2}) ==
          "network 'unet': patch = 3 does not divide the periodic lattice of 6 x 4 sites; give one that does, or 1");
    CHECK(message({"transformer", with(small_transformer(1), "heads", std::int64_t{5}), text, 2}) ==
          "network 'transformer': heads = 5 does not divide width = 12; change heads or width");
}

}  // namespace train_unet_transformer
