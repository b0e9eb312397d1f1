// After a training by any shipped objective the model's density sums to one, and log p_θ(all □) = 0.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <marginalia/orders.h>
#include <torch/script.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "kernel/worker/answer/export_model.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_densities {

using namespace marginalia;

namespace {

constexpr std::int64_t sites = 9, states = 512;

// How a trained model has a density.
enum class Reading {
    any_order,     // the conditionals, along every order
    model,         // log_density, one number a state
    trajectories,  // a sum over the orders that the policy takes; log_density is an estimate of it
    annealed,      // log_density, its normalisation estimated
};

constexpr const char* mlp = "plugin = \"mlp\"\nhidden = 32\nlayers = 2\n";

struct Case {
    const char* objective;  // the plugin
    Reading reading;
    const char* parameters = "";
    const char* energy_sampler = nullptr;  // of a 3x3 Ising lattice; "": none. nullptr: rows of a table
    const char* network = mlp;
    bool second_stage = false;  // begins with a network of ao-arm
};

constexpr const char* transformer = "plugin = \"transformer\"\nlayers = 1\nwidth = 16\nheads = 2\nbodies = 2\n";
constexpr const char* mps = "plugin = \"mps\"\nbond = 4\n";
constexpr const char* einet = "plugin = \"einet\"\nstructure = \"random-tree\"\ndepth = 2\nreplicas = 3\nsums = 4\n";
constexpr const char* forward = "plugin = \"ancestral\"\norder = \"forward\"\n";
constexpr const char* blocks = "plugin = \"block-gibbs\"\nsites = 4\n";
constexpr const char* gibbs = "plugin = \"single-site-gibbs\"\n";

const Case cases[] = {
    {"ao-arm", Reading::any_order},
    {"ao-arm", Reading::any_order, "", gibbs},
    {"mam-distill", Reading::any_order, "", nullptr, mlp, true},
    {"mam-distill", Reading::any_order, "penalty = 0\n", nullptr, transformer, true},
    {"mam-joint", Reading::any_order},
    {"mam-joint", Reading::any_order, "follow = false\n"},
    {"circuit-mle", Reading::model, "", nullptr, einet},
    {"circuit-mle", Reading::model, "method = \"em\"\n", nullptr, einet},
    {"circuit-mle", Reading::model, "", nullptr, mps},
    {"gflownet-eb", Reading::any_order},
    {"gflownet-eb", Reading::trajectories, "order = \"learned\"\n"},
    {"pcd", Reading::annealed},
    {"mam-energy", Reading::any_order, "", blocks},
    {"mam-energy", Reading::model, "", blocks, mps},
    {"mam-heat-bath", Reading::any_order, "", gibbs},
    {"mam-balance", Reading::any_order, "", blocks},
    {"mam-reverse-kl", Reading::any_order, "", ""},
    {"mam-reverse-kl", Reading::any_order, "anneal_from = 0.5\n", "", transformer},
    {"arm", Reading::model, "", forward},
    {"arm-mc", Reading::model, "independent = true\n", forward},
    {"gflownet-tb", Reading::trajectories, "", ""},
    {"gflownet-subtb", Reading::trajectories, "", gibbs},
};

// Rows of nine bits, the last five of which follow from the first four.
std::string table_file() {
    const std::string path = (std::filesystem::temp_directory_path() / "train_densities_rows.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 200; ++i) {
        const int a = i % 2, b = i / 2 % 2, c = i / 4 % 2, d = i % 3 == 0;
        file << a << ',' << b << ',' << c << ',' << d << ',' << a << ',' << (a ^ b) << ',' << (b & c) << ',' << (c | d)
             << ",1\n";
    }
    return path;
}

TrialRequest request_for(const Case& c) {
    std::string text = "name = \"t\"\n";
    if (!c.energy_sampler) text += "[dataset]\nplugin = \"table\"\nfile = \"" + table_file() + "\"\n";
    else text += "[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n";
    if (c.energy_sampler && *c.energy_sampler) text += std::string("[sampler]\n") + c.energy_sampler;
    return request_of(
        text + "[network]\n" + c.network + "[objective]\nplugin = \"" + c.objective + "\"\n" + c.parameters +
        "[train]\nsteps = 120\nbatch = 64\nlearning_rate = 0.02\n"
        "[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\npictures = 0\nmarginal_time = false\n");
}

std::string trained_weights(const TrialRequest& request) {
    MemoryRecorder recorder;
    REQUIRE(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    return recorder.checkpoints.back().second;
}

// The parts of the finished trial.
TrialParts train(const Case& c) {
    TrialRequest request = request_for(c);
    if (c.second_stage)
        request.start_from =
            trained_weights(request_for({.objective = "ao-arm", .reading = Reading::any_order, .network = c.network}));
    TrialParts parts = build_trial(request, shipped_plugins());
    CheckpointState state = load_checkpoint(trained_weights(request), *parts.network);
    parts.objective->load(state.parts["objective"]);
    return parts;
}

// All rows of `symbols` symbols, the first site's changing fastest.
at::Tensor all_rows(std::int64_t symbols) {
    const at::Tensor place = at::pow(symbols, at::arange(sites));
    return at::arange(place[-1].item<std::int64_t>() * symbols).unsqueeze(1).div(place, "floor").remainder(symbols);
}

double total(const at::Tensor& log_p) { return log_p.to(at::kDouble).exp().sum().item<double>(); }

void check_any_order(const TrialParts& parts) {
    const at::Tensor x = all_rows(2);
    for (int i = 0; i < 4; ++i) {
        at::Generator generator = make_generator(at::kCPU, i, 3);
        const at::Tensor order = random_orders(1, sites, generator, at::kCPU).expand({states, sites});
        const at::Tensor log_p = log_density_along(*parts.network, x, order, [] {});
        CHECK(log_p.std().item<double>() > 0.1);  // it has learnt something
        CHECK(total(log_p) == doctest::Approx(1).epsilon(1e-5));
    }
}

void check_model(const at::Tensor& log_p, double error) {
    CHECK(log_p.std().item<double>() > 0.1);
    CHECK(total(log_p) == doctest::Approx(1).epsilon(error));
}

// Probabilities of reaching each of the 3^D partial states when the policy picks site and value.
at::Tensor reached(const Network& network) {
    const at::Tensor x = all_rows(3), known = x != 2, size = known.sum(1);
    const at::Tensor place = at::pow(3, at::arange(sites)).unsqueeze(1);
    at::Tensor p = at::zeros({x.size(0)}, at::kDouble);
    p[-1] = 1;  // all □
    for (std::int64_t s = 0; s < sites; ++s) {
        const at::Tensor row = (size == s).nonzero().squeeze(1), from = x.index_select(0, row);
        const at::Tensor taken = known.index_select(0, row).unsqueeze(2).expand({-1, -1, 2});
        const at::Tensor policy =
            network.conditional_logits(from).to(at::kDouble).masked_fill(taken, -INFINITY).flatten(1).softmax(1);
        const at::Tensor to = row.view({-1, 1, 1}) + place * (at::arange(2) - 2);  // □ becomes 0 or 1
        const at::Tensor flow = policy.view_as(taken) * p.index_select(0, row).view({-1, 1, 1}),
                         free = taken.logical_not();
        p.index_add_(0, to.masked_select(free), flow.masked_select(free));
    }
    return p.masked_select(size == sites);
}

void check_trajectories(const TrialParts& parts, const Model& model, at::Generator& generator) {
    check_model(reached(*parts.network).log(), 1e-5);
    // The exponential of log_density is an unbiased estimate of p(x).
    at::Tensor sums = at::empty({16}, at::kDouble);
    for (std::int64_t i = 0; i < sums.numel(); ++i) sums[i] = total(model.log_density(all_rows(2), generator, [] {}));
    CHECK(std::abs(sums.mean().item<double>() - 1) <
          5 * sums.std().item<double>() / std::sqrt(static_cast<double>(sums.numel())));
}

// What `checkpoint export` calls log_marginal is what `marginals` says, and conditional_logits what `complete` draws
// from.
void check_export(const Case& c, const TrainedModel& trained) {
    const TrialParts& parts = trained.parts;
    std::stringstream file;
    const std::string lack = export_model(trained, c.objective, file);
    torch::jit::ExtraFilesMap extra{{"trial.json", ""}};
    torch::jit::Module module = torch::jit::load(file, at::Device(at::kCPU), extra);
    CHECK(extra.at("trial.json") == trained.trial_json);
    at::Generator generator = make_generator(at::kCPU, 5, 5);
    const at::Tensor x = at::randint(3, {32, sites}, generator, at::kLong);
    // Their model's marginals are the energy's partial density and a learned log Z beside the network.
    const bool beside = std::set<std::string>{"mam-heat-bath", "mam-balance"}.contains(c.objective);
    REQUIRE(module.find_method("log_marginal").has_value() == (parts.objective->trains_marginals() && !beside));
    CHECK(lack.empty() == module.find_method("log_marginal").has_value());
    if (lack.empty()) {
        const at::Tensor given = module.get_method("log_marginal")({x}).toTensor().to(at::kDouble);
        CHECK((given - trained.model->log_marginal(x)).abs().max().item<double>() < 1e-5);
        CHECK(given.std().item<double>() > 0.1);
    } else {
        const at::Tensor bare = module.attr("network").toModule().get_method("log_marginal")({x}).toTensor();
        CHECK(at::equal(bare, parts.network->log_marginal(x)));
        if (beside) CHECK((bare - trained.model->log_marginal(x)).abs().max().item<double>() > 0.1);
    }
    REQUIRE(module.find_method("conditional_logits").has_value() == (c.reading == Reading::any_order || lack.empty()));
    if (module.find_method("conditional_logits"))
        CHECK(at::allclose(module.get_method("conditional_logits")({x}).toTensor(),
                           parts.network->conditional_logits(x)));
}

}  // namespace

TEST_CASE("every shipped objective is tried here") {
    std::set<std::string> shipped, tried{"discrete-flow", "gan", "vae"};  // these in plugins/train_latent_models.cpp
    for (const auto& entry : std::filesystem::directory_iterator(MARGINALIA_SOURCE_DIR "/docs/plugins")) {
        const std::string page = entry.path().stem().string(), kind = "objective-";
        if (page.starts_with(kind)) shipped.insert(page.substr(kind.size()));
    }
    for (const Case& c : cases) tried.insert(c.objective);
    CHECK(shipped.size() >= 13);
    CHECK(shipped == tried);
}

TEST_CASE("densities sum to one over all states, and nothing known has the marginal 1") {
    for (const Case& c : cases) {
        CAPTURE(std::string(c.objective));
        CAPTURE(std::string(c.parameters));
        CAPTURE(std::string(c.network));
        TrainedModel trained{train(c), make_generator(at::kCPU, 1, 9), nullptr, "{\"step\":120}"};
        const TrialParts& parts = trained.parts;
        const at::NoGradGuard no_grad;
        at::Generator generator = make_generator(at::kCPU, 1, 9);
        trained.model = parts.objective->model(*parts.network, generator, [] {});
        const std::unique_ptr<Model>& model = trained.model;
        const at::Tensor blank = at::full({1, sites}, 2, at::kLong);
        CHECK(std::abs(model->log_marginal(blank).item<double>()) < 1e-5);
        CHECK(std::abs(parts.network->log_marginal(blank).item<double>()) < 1e-5);
        switch (c.reading) {
            case Reading::any_order: check_any_order(parts); break;
            case Reading::model: check_model(model->log_density(all_rows(2), generator, [] {}), 1e-5); break;
            case Reading::annealed: check_model(model->log_density(all_rows(2), generator, [] {}), 0.1); break;
            case Reading::trajectories: check_trajectories(parts, *model, generator); break;
        }
        check_export(c, trained);
    }
}

}  // namespace train_densities
