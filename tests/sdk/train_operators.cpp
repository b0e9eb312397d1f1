// The operators for networks' sources: each against its plain form, values and gradients, and all shipped networks with
// and without them.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <marginalia/network_joint.h>
#include <marginalia/operators.h>
#include <torch/script.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_operators {

using namespace marginalia;

namespace {

using List = std::vector<at::Tensor>;

constexpr const char* source = R"(
    def images(self, h: Tensor, w: List[Tensor], b: List[Tensor], border: str) -> Tensor:
        return marginalia.residual_convolutions(h, w, b, border)

    def symbols(self, x: Tensor, w: Tensor, b: Tensor, border: str) -> Tensor:
        return marginalia.symbol_convolution(x, w, b, border)

    def read(self, h: Tensor, site: Tensor) -> Tensor:
        sums, at_sites = marginalia.read_out(h, site)
        return torch.cat([sums.flatten(), at_sites.flatten()])

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return marginalia.attention(q, k, v, 3)

    def curve(self, h: Tensor) -> Tensor:
        return marginalia.gelu(h)

    def norm(self, h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return marginalia.norm_silu(h, 3, scale, shift)

    def recur(self, e: Tensor, w: List[Tensor]) -> Tensor:
        return marginalia.gru(e, w)

    def mix(self, n: Tensor, v: Tensor) -> Tensor:
        return marginalia.mixture_log_density(n, v)
)";

torch::jit::Module module_of(bool plain) {
    NetworkBuilder builder("operators");
    std::optional<PlainOperators> guard;
    if (plain) guard.emplace();
    builder.define(source);
    return std::move(*std::unique_ptr<torch::jit::Module>(builder.release()));
}

struct Result {
    at::Tensor value;
    List gradients;  // of what learns
};

Result run(const torch::jit::Module& module, const char* method, const std::vector<c10::IValue>& arguments,
           const List& learning) {
    const at::Tensor value = module.get_method(method)(arguments).toTensor();
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU).clone();
    generator.set_current_seed(5);
    value.backward(at::randn(value.sizes(), generator, at::kFloat).to(value.scalar_type()));
    Result result{value.detach(), {}};
    for (at::Tensor t : learning) {
        result.gradients.push_back(t.grad().clone());
        t.mutable_grad().reset();
    }
    return result;
}

double off(const at::Tensor& a, const at::Tensor& b) {
    REQUIRE((a.sizes() == b.sizes()));
    return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>() /
           std::max(1.0, b.to(at::kDouble).abs().max().item<double>());
}

// Against the plain form in float64, which is close to exact.
void check_against_plain(const char* method, const List& inputs, at::ScalarType type, double most,
                         const std::function<std::vector<c10::IValue>(const List&)>& arguments) {
    const auto result_in = [&](at::ScalarType of, bool plain) {
        List learning;
        for (const at::Tensor& t : inputs)
            learning.push_back(t.is_floating_point() ? t.to(type).to(of).detach().requires_grad_() : t);
        List floats;
        for (const at::Tensor& t : learning)
            if (t.is_floating_point()) floats.push_back(t);
        return run(module_of(plain), method, arguments(learning), floats);
    };
    const Result fast = result_in(type, false), exact = result_in(at::kDouble, true);
    CAPTURE(method);
    CHECK((fast.value.scalar_type() == type || fast.value.scalar_type() == at::kFloat));
    CHECK(off(fast.value, exact.value) < most);
    REQUIRE(fast.gradients.size() == exact.gradients.size());
    for (std::size_t i = 0; i < fast.gradients.size(); ++i) {
        CAPTURE(i);
        CHECK(off(fast.gradients[i], exact.gradients[i]) < most);
    }
}

struct Precision {
    at::ScalarType type;
    double most;
};
const Precision precisions[] = {{at::kFloat, 2e-5}, {at::kBFloat16, 0.04}};

struct Numbers {
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU).clone();
    Numbers() { generator.set_current_seed(3); }
    at::Tensor operator()(at::IntArrayRef shape, double spread = 1) {
        return at::empty(shape).normal_(0, spread, generator);
    }
};

c10::List<at::Tensor> listed(const List& tensors, std::size_t first, std::size_t end) {
    c10::List<at::Tensor> list;
    for (std::size_t i = first; i < end; ++i) list.push_back(tensors[i]);
    return list;
}

}  // namespace

TEST_CASE("convolutions of images and of symbols agree with their plain forms, whatever the border and the channels") {
    at::set_num_threads(2);
    for (const Precision& p : precisions)
        for (const char* border : {"circular", "zeros", "none"})
            for (const std::int64_t channels : {1, 5, 32}) {
                CAPTURE(border);
                CAPTURE(channels);
                Numbers random;
                List images{random({21, channels, 9, 7})};
                for (int l = 0; l < 3; ++l) images.push_back(random({channels, channels, 3, 3}, 0.2));
                for (int l = 0; l < 3; ++l) images.push_back(random({channels}));
                check_against_plain("images", images, p.type, p.most, [&](const List& t) {
                    return std::vector<c10::IValue>{t[0], listed(t, 1, 4), listed(t, 4, 7), border};
                });
                const at::Tensor x = at::randint(4, {21, 9, 7}, random.generator, at::kLong);
                const at::Tensor w = random({channels, 4, 3, 3}), b = random({channels});
                check_against_plain("symbols", {x, w, b}, p.type, p.most,
                                    [&](const List& t) { return std::vector<c10::IValue>{t[0], t[1], t[2], border}; });
            }
}

TEST_CASE("a torus of one site is its own neighbour on all sides") {
    Numbers random;
    check_against_plain(
        "images", {random({3, 2, 1, 1}), random({2, 2, 3, 3}), random({2})}, at::kFloat, 2e-5,
        [](const List& t) { return std::vector<c10::IValue>{t[0], listed(t, 1, 2), listed(t, 2, 3), "circular"}; });
}

TEST_CASE("what heads read, attention, gelu, recurrences and mixtures agree with their plain forms") {
    at::set_num_threads(2);
    for (const Precision& p : precisions) {
        Numbers random;
        check_against_plain("read", {random({6, 5, 4, 3}), at::tensor({0, 11, 7, 11}, at::kLong)}, p.type, p.most,
                            [](const List& t) { return std::vector<c10::IValue>{t[0], t[1]}; });
        for (const std::int64_t places : {1, 16, 37})
            check_against_plain("attend", {random({4, places, 12}), random({4, 37, 12}), random({4, 37, 12})}, p.type,
                                p.most, [](const List& t) { return std::vector<c10::IValue>{t[0], t[1], t[2]}; });
        check_against_plain("curve", {random({1000}, 4)}, p.type, p.most,
                            [](const List& t) { return std::vector<c10::IValue>{t[0]}; });
        for (const double offset : {0.0, 20.0})  // what the norm takes away
            check_against_plain("norm", {random({5, 12, 4, 3}) + offset, random({12}), random({12})}, p.type, p.most,
                                [](const List& t) { return std::vector<c10::IValue>{t[0], t[1], t[2]}; });
    }
    Numbers random;
    check_against_plain("mix", {random({40, 3, 10}), random({40, 3})}, at::kFloat, 2e-5,
                        [](const List& t) { return std::vector<c10::IValue>{t[0], t[1]}; });
    List recurrence{random({5, 7, 4})};
    for (int direction = 0; direction < 2; ++direction)
        for (const std::vector<std::int64_t>& shape :
             std::vector<std::vector<std::int64_t>>{{18, 4}, {18, 6}, {18}, {18}})
            recurrence.push_back(random(shape, 0.5));
    check_against_plain("recur", recurrence, at::kFloat, 2e-5,
                        [](const List& t) { return std::vector<c10::IValue>{t[0], listed(t, 1, 9)}; });
}

TEST_CASE("large and small numbers: gelu and silu have no overflow, and softmax none either") {
    const torch::jit::Module module = module_of(false);
    const at::Tensor h = at::tensor({-1e30, -200.0, -88.0, 0.0, 88.0, 200.0, 1e30}, at::kFloat);
    const at::Tensor curve = module.get_method("curve")({h}).toTensor();
    const at::Tensor limit = at::tensor({0.0, 0.0, 0.0, 0.0, 88.0, 200.0, 1e30}, at::kFloat);
    CHECK((curve - limit).abs().max().item<double>() < 1e-6);
    const at::Tensor read = module.get_method("read")({h.view({7, 1, 1, 1}), at::empty({0}, at::kLong)}).toTensor();
    CHECK((read - limit).abs().max().item<double>() < 1e-6);
    const at::Tensor q = at::full({1, 2, 3}, 1e4, at::kBFloat16).requires_grad_();
    CHECK(module.get_method("attend")({q, q, q}).toTensor().isfinite().all().item<bool>());
}

TEST_CASE("what is not a number stays so, so that a training that has gone astray is noticed") {
    const torch::jit::Module module = module_of(false);
    Numbers random;
    const auto learning = [&](at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
        return random(shape).to(type).requires_grad_();
    };
    const auto all_nan = [&](const char* method, std::vector<c10::IValue> arguments, const at::Tensor& weight) {
        const at::NoGradGuard no_grad;
        weight.fill_(NAN);
        const at::AutoGradMode grad(true);
        return module.get_method(method)(std::move(arguments)).toTensor().isnan().all().item<bool>();
    };
    const at::Tensor w = learning({4, 4, 3, 3}), b = learning({4}), symbols = learning({4, 2, 3, 3});
    CHECK(all_nan("images", {random({2, 4, 3, 3}), listed({w}, 0, 1), listed({b}, 0, 1), "circular"}, w));
    CHECK(all_nan("symbols", {at::zeros({2, 3, 3}, at::kLong), symbols, b, "zeros"}, symbols));
    const at::Tensor h = learning({50});
    CHECK(all_nan("curve", {h}, h));
    const at::Tensor images = learning({2, 6, 3, 3});
    CHECK(all_nan("norm", {images, at::ones({6}), at::zeros({6})}, images));
    const at::Tensor q = learning({2, 5, 6}, at::kBFloat16), k = learning({2, 5, 6}, at::kBFloat16);
    CHECK(all_nan("attend", {q, k, random({2, 5, 6}).to(at::kBFloat16)}, q));
    for (const std::size_t which : {0, 1, 4, 5}) {
        List weights;
        for (int direction = 0; direction < 2; ++direction)
            for (const std::vector<std::int64_t>& shape :
                 std::vector<std::vector<std::int64_t>>{{18, 4}, {18, 6}, {18}, {18}})
                weights.push_back(learning(shape));
        CHECK(all_nan("recur", {random({5, 7, 4}), listed(weights, 0, 8)}, weights[which]));
    }
}

TEST_CASE("symbols that there are not, and borders of no kind, are refused") {
    const torch::jit::Module module = module_of(false);
    const at::Tensor w = at::zeros({2, 3, 3, 3}), b = at::zeros({2});
    const auto message = [&](const at::Tensor& x, const char* border) {
        try {
            module.get_method("symbols")({x, w, b, border});
        } catch (const std::exception& error) {
            return std::string(error.what());
        }
        return std::string("none");
    };
    CHECK(message(at::full({1, 2, 2}, 3, at::kLong), "zeros").find("symbol 3 is not one of 0 to 2") !=
          std::string::npos);
    CHECK(message(at::full({1, 2, 2}, -1, at::kLong), "zeros").find("symbol -1") != std::string::npos);
    CHECK(message(at::zeros({1, 2, 2}, at::kLong), "edge").find("border is \"edge\"; give") != std::string::npos);
}

TEST_CASE("every shipped network is the same with operators and with plain forms") {
    at::set_num_threads(2);
    const std::pair<const char*, const char*> cases[] = {
        {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 3", "boundary = \"torus\""},
        {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 3", "boundary = \"open\""},
        {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 3\npool = true", "boundary = \"torus\""},
        {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 3\nsite_channels = 2", "boundary = \"torus\""},
        {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 1", "boundary = \"torus\""},
        {"plugin = \"unet\"\nchannels = \"8,16\"\nattention = \"0,1\"\nblocks = \"1,1\"", "boundary = \"open\""},
        {"plugin = \"transformer\"\nlayers = 2\nwidth = 12\nheads = 3", "boundary = \"open\""},
        {"plugin = \"recurrent\"\nwidth = 5", "boundary = \"open\""},
        {"plugin = \"mlp\"\nhidden = 9\nlayers = 2", "boundary = \"open\""}};
    for (const auto& [network, lattice] : cases) {
        CAPTURE(network);
        const TrialRequest request =
            request_of(std::string("name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 9\ncolumns = 9\n") + lattice +
                       "\n[network]\n" + network +
                       "\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n");
        const TrialParts fast = build_trial(request, shipped_plugins());
        const PlainOperators guard;
        const TrialParts plain = build_trial(request, shipped_plugins());
        Numbers random;
        const List a = fast.network->parameters(), b = plain.network->parameters();
        REQUIRE(a.size() == b.size());
        {
            const at::NoGradGuard no_grad;
            for (std::size_t i = 0; i < a.size(); ++i) {  // heads begin at zero
                a[i].add_(random(a[i].sizes(), 0.1));
                b[i].copy_(a[i]);
            }
        }
        const at::Tensor x = at::randint(3, {12, 81}, random.generator, at::kLong);
        const at::Tensor site = at::randint(81, {8}, random.generator, at::kLong);
        const auto outputs = [&](const TrialParts& parts) {
            const auto joint = parts.network->joint(x, site);
            const at::Tensor at_site = parts.network->conditional_at(x.slice(0, 0, 8), site);
            const List values{joint.log_marginal, joint.logits, parts.network->log_marginal(x),
                              parts.network->conditional_logits(x), at_site};
            at::Tensor sum = at::zeros({});
            for (const at::Tensor& value : values) sum = sum + value.square().sum();
            sum.backward();
            return values;
        };
        const List of_fast = outputs(fast), of_plain = outputs(plain);
        for (std::size_t i = 0; i < of_fast.size(); ++i) CHECK(off(of_fast[i], of_plain[i]) < 2e-5);
        for (std::size_t i = 0; i < a.size(); ++i) {
            REQUIRE(a[i].grad().defined() == b[i].grad().defined());
            if (a[i].grad().defined()) CHECK(off(a[i].grad(), b[i].grad()) < 1e-4);
        }
    }
}

}  // namespace train_operators
