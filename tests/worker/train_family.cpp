// One network for several energies: what it learns of each, and that none is taken for another.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "kernel/worker/evaluate/family_figures.h"
#include "tests/worker/inference_fixture.h"
#include "tests/worker/stopped_trial.h"
#include "tests/worker/trial_refusal.h"

namespace train_family {

using namespace marginalia;
using inference_fixture::answer;
using inference_fixture::failure;

namespace {

const std::string ising = "plugin = \"ising\"\nrows = 3\ncolumns = 4\nfield = 0.1\n";
const std::string seeing = "plugin = \"lattice-conv\"\nchannels = 12\nlayers = 3\ncouplings = true\n";
const std::string chains = "plugin = \"single-site-gibbs\"\n";

struct Asked {
    std::string train, energy = ising, network = seeing, sampler = chains, objective = "plugin = \"mam-heat-bath\"\n",
                       evaluation = "samples = 200\nnll_samples = 0\nmarginal_states = 0\n";
};

TrialRequest request_for(const Asked& asked) {
    return request_of("name = \"t\"\n[energy]\n" + asked.energy + "[network]\n" + asked.network + "[sampler]\n" +
                      asked.sampler + "[objective]\n" + asked.objective + "[evaluation]\nmarginal_time = false\n" +
                      asked.evaluation + "[train]\nbatch = 16\nlog_every = 1\n" + asked.train);
}

MemoryRecorder whole_of(const TrialRequest& request) {
    MemoryRecorder recorder;
    run_whole_trial(request, shipped_plugins(), recorder);
    return recorder;
}

InferenceRequest asked_about(const TrialRequest& trial, const std::string& checkpoint, const std::string& condition,
                             InferenceRequest::Verb verb = InferenceRequest::Verb::score) {
    InferenceRequest request;
    request.verb = verb;
    request.trial = trial;
    request.trial.checkpoint = checkpoint;
    request.trial.condition = condition;
    request.states = "+-++/-+__/____";
    request.states_are_text = true;
    request.output.format = StateFormat::json;
    return request;
}

// Stops an evaluation after so many questions whether it is to.
struct Impatient : MemoryRecorder {
    bool stop_requested() override { return asked++ >= patience; }
    int asked = 0, patience = 0;
};

}  // namespace

TEST_CASE("each energy of a family learns once a round, in an order of the seed") {
    const TrialParts parts = build_trial(request_for({"family = \"coupling = 0.1..0.5/5\"\n"}), shipped_plugins());
    REQUIRE(parts.members.learnt() == 5);
    std::set<std::vector<std::size_t>> orders;
    for (std::int64_t round = 0; round < 8; ++round) {
        std::vector<std::size_t> order;
        for (std::int64_t i = 1; i <= 5; ++i) order.push_back(parts.members.learner(5 * round + i, 3));
        CHECK(parts.members.own_step(5 * round + 1) == round + 1);
        CHECK(parts.members.own_step(5 * round + 5) == round + 1);
        CHECK(std::set(order.begin(), order.end()).size() == 5);
        orders.insert(order);
    }
    CHECK(orders.size() > 5);
    CHECK(parts.members.learner(7, 3) == parts.members.learner(7, 3));
}

TEST_CASE("one network learns three couplings as well as one network each in as many steps of its own") {
    Asked asked;
    asked.evaluation = "enumeration = 4096\nsamples = 1000\nnll_samples = 0\nmarginal_states = 100\n";
    const auto with = [&](const std::string& text) {
        asked.train = text;
        TrialRequest request = request_for(asked);
        request.settings.train.batch = 64;
        request.settings.train.learning_rate = 4e-3;
        return whole_of(request);
    };
    const MemoryRecorder family = with("steps = 450\nfamily = \"coupling = 0.1, 0.25, 0.4\"\n");
    asked.energy += "coupling = 0.25\n";
    const MemoryRecorder single = with("steps = 150\n");
    double mean = 0;
    for (const std::string label : {"@coupling=0.1", "@coupling=0.25", "@coupling=0.4"}) {
        const double kl = family.finals.at("kl_enumerated" + label);
        MESSAGE(label << ": kl " << kl << ", log Z " << family.finals.at("log_z_exact" + label));
        CHECK(kl < 0.1);
        mean += kl / 3;
        // Learnt for each: those of the three differ by more than half a nat.
        double learnt = 0;
        for (const auto& [key, value] : family.metrics)
            if (key.first == "log_z_estimate" + label) learnt = value;
        CHECK(std::abs(learnt - family.finals.at("log_z_exact" + label)) < 0.25);
        CHECK(std::abs(family.finals.at("log_z_importance" + label) - family.finals.at("log_z_exact" + label)) <
              4 * family.finals.at("log_z_importance" + label + "_stderr"));
        CHECK(family.finals.at("marginal_rmse" + label) < 0.3);
    }
    CHECK(family.finals.at("kl_enumerated") == doctest::Approx(mean));
    MESSAGE("alone: kl " << single.finals.at("kl_enumerated"));
    CHECK(family.finals.at("kl_enumerated@coupling=0.25") < 1.5 * single.finals.at("kl_enumerated"));
    CHECK(family.finals.at("log_z_exact@coupling=0.25") == single.finals.at("log_z_exact"));
}

TEST_CASE("a family's training goes on bit for bit wherever it was stopped") {
    const std::string couplings = "family = \"coupling = 0.1, 0.25, 0.4\"\n";
    const std::string glass = "plugin = \"edwards-anderson\"\nrows = 3\ncolumns = 3\n",
                      cut = "plugin = \"qubo\"\ngraph = \"barabasi-albert\"\nvertices = 9\nbeta = 2\n";
    const std::string graph = "plugin = \"graph\"\nlayers = 2\nwidth = 8\n";
    std::vector<Asked> all{{couplings + "ema = 0.9\n"},
                           {couplings + "base = \"belief-propagation\"\nanneal_from = 0.5\nanneal_steps = 9\n"},
                           {"family = \"disorder_seed = 1..3\"\nsymmetries = \"flip\"\n", glass, graph},
                           {"family = \"graph_seed = 1, 1, 2; degree = 2, 3, 4\"\n", cut, graph}};
    all.push_back({couplings, ising, seeing, "plugin = \"block-gibbs\"\n", "plugin = \"mam-energy\"\n"});
    all.push_back({couplings, ising, seeing, chains, "plugin = \"mam-balance\"\n"});
    all.push_back({couplings, ising, seeing, chains, "plugin = \"ao-arm\"\n"});
    for (const char* there : {"", "1"})
        for (Asked asked : all) {
            if (*there) ::setenv("MARGINALIA_ENERGY_ON_DEVICE", there, 1);
            asked.train += "steps = 11\n";
            asked.evaluation += "every = 4\nquick_samples = 8\n";
            const TrialRequest request = request_for(asked);
            const MemoryRecorder whole = trained(request, {}), parts = trained(request, {2, 7});
            for (const auto& [key, value] : whole.metrics)
                CHECK_MESSAGE(parts.metrics.at(key) == value, key.first << " at " << key.second);
            CHECK(whole.checkpoints.back() == parts.checkpoints.back());
            ::unsetenv("MARGINALIA_ENERGY_ON_DEVICE");
        }
}

TEST_CASE("an answer about a member is that of the same weights with its energy alone, graphs of other sizes too") {
    const std::string cut = "plugin = \"qubo\"\ngraph = \"barabasi-albert\"\nvertices = 9\nbeta = 2\n";
    const std::string graph = "plugin = \"graph\"\nlayers = 2\nwidth = 8\n";
    struct Case {
        std::string family, energy, network, condition, own, states;
    };
    for (const Case& each : {Case{"coupling = 0.1, 0.3", ising, seeing, "coupling=0.3", "coupling = 0.3\n", ""},
                             Case{"coupling = 0.1, 0.3", ising, seeing, "coupling=0.2", "coupling = 0.2\n", ""},
                             Case{"degree = 2, 4", cut, graph, "degree=4", "degree = 4\n", "01_10_11_"}}) {
        // Without forward_looking, so that the network is all that there is.
        const std::string objective = "plugin = \"mam-heat-bath\"\nforward_looking = false\n";
        const TrialRequest family = request_for(
            {"steps = 6\nfamily = \"" + each.family + "\"\n", each.energy, each.network, chains, objective});
        const std::string checkpoint = trained(family, {}).checkpoints.back().second;
        const TrialRequest alone =
            request_for({"steps = 6\n", each.energy + each.own, each.network, chains, objective});
        const TrialParts parts = build_trial(alone, shipped_plugins());
        load_weights(checkpoint, *parts.network);
        const std::string single =
            save_checkpoint(*parts.network, "{}", {6, {{"objective", parts.objective->state()}}});
        for (const auto verb : {InferenceRequest::Verb::score, InferenceRequest::Verb::marginals,
                                InferenceRequest::Verb::complete, InferenceRequest::Verb::sample}) {
            InferenceRequest asked = asked_about(family, checkpoint, each.condition, verb),
                             plain = asked_about(alone, single, "", verb),
                             first = asked_about(family, checkpoint, "", verb);
            for (InferenceRequest* request : {&asked, &plain, &first}) {
                request->count = 3;
                if (!each.states.empty()) request->states = each.states;
            }
            CHECK(answer(asked) == answer(plain));
            CHECK(answer(asked) != answer(first));
        }
    }
}

TEST_CASE("log Z is of each member, and of an energy that was not learnt nobody knows it") {
    const TrialRequest family = request_for({"steps = 40\nfamily = \"coupling = 0.1, 0.4\"\n"});
    const std::string checkpoint = trained(family, {}).checkpoints.back().second;
    InferenceRequest asked = asked_about(family, checkpoint, "coupling=0.4", InferenceRequest::Verb::marginals);
    asked.states = "++++/++++/++++";
    // log f - log Z of a full state, as forward-looking marginals have it: 24 pairs, 12 spins.
    CheckpointState state;
    const TrialParts parts = load_trained(asked.trial, shipped_plugins(), DataRows::not_needed, state);
    CHECK(parts.members.label(parts.members.at_hand()) == "coupling=0.4");
    const double learnt = state.parts.at("objective 1").at("log_z_shift").item<double>() +
                          12 * state.parts.at("objective 1").at("log_z_weight").item<double>();
    const double given = inference_fixture::lines(answer(asked))[0].at("log_marginal");
    CHECK(given == doctest::Approx(24 * 0.4 + 12 * 0.1 - learnt).epsilon(1e-5));
    CHECK(
        failure(asked_about(family, checkpoint, "coupling=0.2", InferenceRequest::Verb::marginals)) ==
        "objective 'mam-heat-bath' has learnt log Z of the energies of the training alone, so that nothing says log p "
        "of partial states of coupling=0.2; ask about one of those, or `marginalia score` for log_density");
    const auto scored = [&](const std::string& condition) {
        return inference_fixture::lines(answer(asked_about(family, checkpoint, condition)))[0];
    };
    CHECK(scored("coupling=0.2").contains("log_density"));
    CHECK_FALSE(scored("coupling=0.2").contains("log_marginal"));
    CHECK(scored("coupling=0.4").contains("log_marginal"));
}

TEST_CASE("a trial of one energy answers about others where its network sees couplings, and refuses where not") {
    Asked single{"steps = 3\n"};
    const TrialRequest request = request_for(single);
    const std::string checkpoint = trained(request, {}).checkpoints.back().second;
    CHECK(answer(asked_about(request, checkpoint, "coupling=0.4")) != answer(asked_about(request, checkpoint, "")));
    single.network = "plugin = \"mlp\"\nhidden = 8\n";
    const TrialRequest blind = request_for(single);
    CHECK(failure(asked_about(blind, trained(blind, {}).checkpoints.back().second, "coupling=0.4")) ==
          "the network sees no difference between the energies [energy] and coupling=0.4; take one that is given the "
          "energy's couplings: graph, or lattice-conv or unet with couplings = true");
}

TEST_CASE("a family's figures are those of each energy and their means, also of an evaluation that was stopped") {
    Asked asked{"steps = 6\nfamily = \"coupling = 0.1, 0.3\"\n"};
    asked.evaluation = "samples = 60\nnll_samples = 40\nmarginal_states = 30\nfamily = \"coupling = 0.2, 0.3\"\n";
    const TrialRequest request = request_for(asked);
    MemoryRecorder whole = whole_of(request);
    for (const std::string name : {"kl", "forward_kl", "ess", "theta_gap_mean", "marginal_rmse", "log_z_exact"}) {
        const double one = whole.finals.at(name + "@coupling=0.1"), other = whole.finals.at(name + "@coupling=0.3");
        CHECK(one != other);
        CHECK(whole.finals.at(name) == doctest::Approx((one + other) / 2));
    }
    CHECK(whole.finals.at("kl_stderr") ==
          doctest::Approx(
              std::hypot(whole.finals.at("kl@coupling=0.1_stderr"), whole.finals.at("kl@coupling=0.3_stderr")) / 2));
    CHECK(whole.finals.contains("kl@coupling=0.2"));  // not learnt
    CHECK_FALSE(whole.finals.contains("theta_gap_mean@coupling=0.2"));
    CHECK(whole.metrics.contains({"kl@coupling=0.3", 6}));

    Impatient parts;
    TrialRequest training = request;
    REQUIRE(run_trial(training, shipped_plugins(), whole) == TrialOutcome::done);
    TrialRequest evaluation = request;
    evaluation.evaluate = true;
    evaluation.checkpoint = whole.checkpoints.back().second;
    evaluation.checkpoint_seconds = 0;
    int stops = 0;
    for (parts.patience = 4; evaluate_trial(evaluation, shipped_plugins(), parts) == TrialOutcome::stopped; ++stops) {
        REQUIRE(stops < 100);
        if (!parts.checkpoints.empty()) evaluation.start_from = parts.checkpoints.back().second;
        parts.asked = 0;
        parts.patience += 2;
    }
    CHECK(stops > 3);
    for (const auto& [name, value] : parts.finals) CHECK_MESSAGE(whole.finals.at(name) == value, name);
    CHECK(parts.finals.contains("kl"));
}

TEST_CASE("what no family can be is refused before anything is trained") {
    const std::string couplings = "family = \"coupling = 0.1, 0.3\"\n";
    CHECK(refusal(request_for({couplings, ising, "plugin = \"mlp\"\n"})) ==
          "the network sees no difference between the energies coupling=0.1 and coupling=0.3; take one that is given "
          "the energy's couplings: graph, or lattice-conv or unet with couplings = true");
    CHECK(refusal(request_for({"family = \"rows = 3, 4\"\n"})) ==
          "the energy rows=4 has other sites, symbols or borders than the first of its family; all must have the same");
    CHECK(refusal(request_for({"family = \"torus = true, false\"\n"})).starts_with("the energy torus=false has other"));
    // The base is given the couplings, whatever the network sees.
    CHECK(refusal(request_for({couplings + "base = \"belief-propagation\"\n", ising, "plugin = \"mlp\"\n"})).empty());
}

TEST_CASE("weights of a family start a training of a single energy, and the other way round") {
    const TrialRequest family = request_for({"steps = 2\nfamily = \"coupling = 0.1, 0.3\"\n"});
    TrialRequest single = request_for({"steps = 0\n", ising + "coupling = 0.5\n"});
    single.start_from = trained(family, {}).checkpoints.back().second;
    const MemoryRecorder begun = whole_of(single);
    TrialRequest back = request_for({"steps = 0\nfamily = \"coupling = 0.5, 0.1\"\n"});
    back.start_from = begun.checkpoints.back().second;
    const MemoryRecorder again = whole_of(back);
    CHECK(again.finals.at("kl@coupling=0.5") == begun.finals.at("kl"));
}

}  // namespace train_family
