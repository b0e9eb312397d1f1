#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>

#include <algorithm>

#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/check/torch/tiny_problem.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "kernel/worker/check/torch/wait_check.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/train/optimizer.h"

namespace marginalia {
namespace {

constexpr std::int64_t batch = 512;
constexpr std::int64_t steps = 50;        // to lower the KL
constexpr std::int64_t break_after = 20;  // of the training that is resumed
constexpr std::int64_t resumed_steps = 10;
constexpr double least_log_p = -20;  // of states that no training row has
constexpr std::int64_t drawn_states = 16384;

// Of the tiny training.
const TrainSettings tiny{.steps = steps, .learning_rate = 0.1, .schedule = "constant", .beta2 = 0.99};

// One training of the objective on the tiny problem, as the host does it.
class TinyTraining {
public:
    TinyTraining(const CheckTarget& target, TinyProblem& problem, std::uint64_t seed, const Params* params = nullptr)
        : problem_(problem), generator_(seeded(seed, problem.device)), host_(host_generator(seed)),
          network_(fresh_network(problem, seed)),
          objective_(reinterpret_cast<ObjectiveFactory>(target.factory)(
              params ? *params : target.params,
              TrainingSetup{problem.domain, batch, problem.device, problem.energy.get()})),
          sampler_(problem.wants_sampler ? make_exact_sampler(batch) : nullptr), optimizer_(parameters(), tiny) {}

    // The loss of the next step, with its gradients in the parameters.
    double loss() {
        TrainingStep step = next_step();
        const at::Tensor loss = objective_->loss(step);
        expect(loss.defined() && loss.dim() == 0,
               "the loss is " + shape_text(loss) + "; return a scalar, as by mean()");
        const double value = loss.item<double>();
        expect(std::isfinite(value),
               "the loss of step " + std::to_string(step_) + " is " + digits(value) + "; it must be finite");
        expect(loss.requires_grad(), "the loss has no gradient; build it from the network with grad mode on");
        for (const auto& [name, metric] : step.metrics)
            expect(metric.defined() && metric.numel() == 1 && std::isfinite(metric.item<double>()),
                   "metric '" + name + "' of step " + std::to_string(step_) + " is " +
                       (metric.defined() && metric.numel() == 1 ? digits(metric.item<double>()) : shape_text(metric)) +
                       "; record finite scalars");
        for (const Doubt& doubt : step.doubts) {
            const std::string complaint = doubt.complaint(doubt.value.item<double>());
            expect(complaint.empty(), complaint);
        }
        metrics_ = step.metrics.size();
        loss.backward();
        return value;
    }

    // What is the objective's in a step, without a look at what comes of it.
    void bare_step() {
        TrainingStep step = next_step();
        if (!objective_->update(step, tiny.learning_rate)) objective_->loss(step).backward();
    }

    std::vector<double> train(std::int64_t count) {
        std::vector<double> losses;
        for (std::int64_t i = 0; i < count; ++i) {
            losses.push_back(loss());
            optimizer_.update(step_);
        }
        return losses;
    }

    std::string save() const {
        CheckpointState state{step_, {}, {}};
        state.parts["optimizer"] = optimizer_.state();
        state.parts["objective"] = objective_->state();
        state.parts["generator"] = {{"state", generator_.get_state()}, {"host", host_.get_state()}};
        return save_checkpoint(*network_, "{}", state);
    }

    void load(const std::string& checkpoint) {
        CheckpointState state = load_checkpoint(checkpoint, *network_);
        step_ = state.step;
        optimizer_.load(state.parts["optimizer"]);
        objective_->load(state.parts["objective"]);
        generator_.set_state(state.parts["generator"].at("state"));
        host_.set_state(state.parts["generator"].at("host"));
    }

    at::Tensor marginal_logits() const { return network_->parameters()[0]; }
    at::Tensor conditional_logits() const { return network_->parameters()[1]; }
    std::vector<at::Tensor> all_weights() const { return network_->parameters(); }

    // Total variation between states that the objective's model draws and the target.
    double distance_of_draws() {
        const at::NoGradGuard no_grad;
        at::Generator own = seeded(12, problem_.device);
        const at::Tensor x = objective_->model(*network_, own, [] {})->generate(drawn_states, own, [] {}).x.cpu();
        const at::Tensor counts = at::bincount(state_numbers(x, problem_.domain), {}, problem_.log_target.numel());
        return 0.5 *
               (counts / static_cast<double>(drawn_states) - problem_.log_target.exp()).abs().sum().item<double>();
    }
    std::size_t metrics() const { return metrics_; }

private:
    // Nearly uniform, as networks are at the start, but no two of different seeds alike.
    static std::unique_ptr<Network> fresh_network(const TinyProblem& problem, std::uint64_t seed) {
        at::Generator generator = seeded(1000 + seed);
        const std::int64_t states = all_states(problem.domain).size(0);
        const at::Tensor marginal = at::randn({states}, generator) * 0.1;
        auto network = make_table_network(problem.domain, marginal, at::randn({states}, generator) * 0.1);
        network->to(problem.device);
        return network;
    }

    // As in a trial: on the CPU the same one as the training's.
    at::Generator host_generator(std::uint64_t seed) const {
        return problem_.device.is_cpu() ? generator_ : seeded(2000 + seed);
    }

    TrainingStep next_step() {
        return {++step_,    *network_, sampler_.get(), problem_.batch_energy.get(), problem_.dataset.get(),
                generator_, {},        host_};
    }

    std::vector<at::Tensor> parameters() const {
        expect(objective_ != nullptr, "the factory returned nothing; return new YourObjective(params, setup)");
        std::vector<at::Tensor> all = network_->parameters();
        for (const at::Tensor& own : objective_->parameters()) all.push_back(own);
        return all;
    }

    TinyProblem& problem_;
    at::Generator generator_, host_;
    std::unique_ptr<Network> network_;
    std::unique_ptr<Objective> objective_;
    std::unique_ptr<Sampler> sampler_;
    Optimizer optimizer_;
    std::int64_t step_ = 0;
    std::size_t metrics_ = 0;
};

bool has_gradient(const at::Tensor& parameter) {
    return parameter.grad().defined() && parameter.grad().count_nonzero().item<std::int64_t>() > 0;
}

// Neither head, but what draws states given a code.
bool trains_codes_only(const TinyTraining& training) {
    std::vector<bool> trained;
    for (const at::Tensor& parameter : training.all_weights()) trained.push_back(has_gradient(parameter));
    return !trained[0] && !trained[1] && std::find(trained.begin(), trained.end(), true) != trained.end();
}

std::string check_first_step(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining training(target, problem, 1);
    const double loss = training.loss();
    const bool conditionals = has_gradient(training.conditional_logits()),
               marginals = has_gradient(training.marginal_logits()), codes = trains_codes_only(training);
    expect(conditionals || marginals || codes,
           "the loss has no gradient for the network's parameters; build it from what the network returns");
    return rounded(loss) + ", " + std::to_string(training.metrics()) + " metrics; trains the " +
           (conditionals && marginals ? "conditionals and the marginals"
            : conditionals            ? "conditionals"
            : marginals               ? "marginals"
                                      : "decoder");
}

// One head of the network through a training. Steps without a gradient leave its table as it was.
class Head {
public:
    Head(const char* name, const TinyProblem& problem, at::Tensor logits)
        : name_(name), problem_(problem), logits_(std::move(logits)), before_(logits_.detach().clone()) {}

    // What the training did to the KL; throws Error where the head was trained and the KL is not below half.
    std::string judge() const {
        if (at::equal(before_, logits_)) return std::string("does not train the ") + name_;
        const double before = problem_.kl(before_), after = problem_.kl(logits_);
        const std::string text =
            std::string("KL of the ") + name_ + " from " + rounded(before) + " to " + rounded(after) + " nats";
        expect(after < before / 2, std::to_string(steps) + " steps of " + std::to_string(batch) +
                                       " states at rate 0.1 take the " + text +
                                       ", not to below half; look at the signs and at what is detached");
        return text;
    }

private:
    const char* name_;
    const TinyProblem& problem_;
    const at::Tensor logits_, before_;
};

enum class Trained { heads, marginals, codes };

Trained what_is_trained(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining training(target, problem, 1);
    training.loss();
    if (trains_codes_only(training)) return Trained::codes;
    return has_gradient(training.conditional_logits()) ? Trained::heads : Trained::marginals;
}

// A linear decoder comes near most targets and reaches few.
std::string judge_draws(TinyTraining& training) {
    const double before = training.distance_of_draws();
    training.train(steps);
    const double after = training.distance_of_draws();
    const std::string text = "total variation of the states drawn from " + rounded(before) + " to " + rounded(after);
    expect(after < 0.9 * before, std::to_string(steps) + " steps of " + std::to_string(batch) +
                                     " states at rate 0.1 take the " + text + ", not to 0.9 times; look at the signs");
    return text;
}

// Marginals that learn from conditionals which stay as they are, a second stage, are given the target's.
std::string check_learning(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining training(target, problem, 2);
    const Trained trained = what_is_trained(target, problem);
    if (trained == Trained::codes) return judge_draws(training);
    if (trained == Trained::marginals) {
        const at::NoGradGuard no_grad;
        training.conditional_logits().copy_(problem.log_target.clamp_min(least_log_p));
    }
    const Head conditionals("conditionals", problem, training.conditional_logits()),
        marginals("marginals", problem, training.marginal_logits());
    training.train(steps);
    return conditionals.judge() + "; " + marginals.judge();
}

// A GPU adds up gradients in any order.
bool same_losses(const std::vector<double>& a, const std::vector<double>& b, const at::Device& device) {
    const double tolerance = device.is_cpu() ? 0 : 1e-4;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](double x, double y) { return std::abs(x - y) <= tolerance * std::max(1.0, std::abs(x)); });
}

std::string check_resume(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining unbroken(target, problem, 3), resumed(target, problem, 4);
    unbroken.train(break_after);
    resumed.load(unbroken.save());
    const auto right = unbroken.train(resumed_steps), again = resumed.train(resumed_steps);
    const auto a = unbroken.all_weights(), b = resumed.all_weights();
    const bool equal = right == again && std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                                    [](auto& x, auto& y) { return at::equal(x, y); });
    expect(equal || (!problem.device.is_cpu() && same_losses(right, again, problem.device)),
           "a training resumed at step " + std::to_string(break_after) + " has at step " +
               std::to_string(break_after + 1) + " the loss " + digits(again.front()) + " where the unbroken one has " +
               digits(right.front()) +
               " and differs after it; put all that steps change, own parameters included, into state() and load()");
    return "from step " + std::to_string(break_after) + " on, " + (equal ? "bit for bit" : "but for rounding");
}

std::string check_randomness(const CheckTarget& target, TinyProblem& problem) {
    const GlobalGenerator global(problem.device);
    TinyTraining first(target, problem, 5), second(target, problem, 5);
    const auto losses = first.train(3);
    global.expect_untouched("the objective");
    expect(same_losses(losses, second.train(3), problem.device),
           "two trainings of the same seed have other losses; draw from step.generator alone");
    return "same seed, same losses; no other generator";
}

std::string step_waits(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining training(target, problem, 7);
    training.train(1);
    return waits_of("a step", [&] { training.bare_step(); }, problem.device);
}

std::string measure_speed(const CheckTarget& target, TinyProblem& problem) {
    TinyTraining training(target, problem, 6);
    training.train(1);
    const double seconds = seconds_of([&] { training.train(1); });
    return rounded(1e3 * seconds) + " ms a step of " + std::to_string(batch) + " states on the tiny network" +
           (problem.device.is_cpu() ? ", on one core" : on_device(problem.device));
}

}  // namespace

void check_objective(const CheckTarget& target, const at::Device& device, Checker& checker) {
    std::unique_ptr<TinyProblem> problem;
    if (!checker.run("the checks' own problem", [&] {
            problem = std::make_unique<TinyProblem>(domain_of(target.domain.value_or(tiny_domain())),
                                                    target.plugin.needs, device);
            return domain_text(problem->domain.layout, problem->domain.categories) +
                   (problem->energy ? ", a random energy" : ", rows of a random distribution") +
                   (problem->wants_sampler ? ", an exact sampler" : ", no sampler") + on_device(device);
        }))
        return;
    check_declarations(target.plugin, checker);
    const auto create = [&](const Params& params) { TinyTraining(target, *problem, 1, &params); };
    const bool made = checker.run("an objective can be made", [&] {
        create(target.params);
        return "";
    });
    if (!made) return;
    check_corners(target.plugin, target.words, create, checker);
    if (!checker.run("a step gives a loss", [&] { return check_first_step(target, *problem); }))
        return checker.leave_out("training", "mend the first step first");
    const auto& needs = target.plugin.needs;
    if (problem->energy && std::find(needs.begin(), needs.end(), "energy") == needs.end()) {
        // It says that any experiment will do.
        TinyProblem data(problem->domain, {"dataset"}, device);
        checker.run("a step with a dataset gives a loss", [&] { return check_first_step(target, data); });
    }
    checker.run("50 steps lower the true KL", [&] { return check_learning(target, *problem); });
    checker.run("resume equals unbroken", [&] { return check_resume(target, *problem); });
    checker.run("randomness comes from the generator passed", [&] { return check_randomness(target, *problem); });
    checker.run(waits_check, [&] { return step_waits(target, *problem); });
    checker.run("speed", [&] { return measure_speed(target, *problem); });
}

}  // namespace marginalia
