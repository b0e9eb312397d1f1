#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/sampler.h>

#include <algorithm>

#include "kernel/worker/check/chi_square.h"
#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/check/torch/tiny_problem.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "kernel/worker/check/torch/wait_check.h"

namespace marginalia {
namespace {

constexpr std::int64_t rows = 4096;     // independent states of a draw, for the histogram
constexpr std::int64_t few_rows = 256;  // where only sameness matters
constexpr int settling_draws = 200;     // chains reach their distribution meanwhile
constexpr int further_draws = 50;

bool needs_energy(const CheckTarget& target) {
    return std::find(target.plugin.needs.begin(), target.plugin.needs.end(), "energy") != target.plugin.needs.end();
}

std::string source_of(const CheckTarget& target) { return needs_energy(target) ? "energy" : "network"; }

// Builds samplers and what they draw from: a network, or an energy where they need one.
class Bench {
public:
    Bench(const CheckTarget& target, const at::Device& device)
        : target_(target), domain_(domain_of(target.domain.value_or(tiny_domain()))),
          problem_(domain_, {"energy", "couplings"}, device), source_(source_of(target)) {
        at::Generator generator = seeded(21);
        const at::Tensor logits = at::randn({all_states(domain_).size(0)}, generator);
        network_ = make_table_network(domain_, logits, logits);
        network_->to(device);
        log_p_ = needs_energy(target) ? problem_.log_target : logits.log_softmax(0, at::kDouble);
    }

    std::unique_ptr<Sampler> make(std::int64_t batch, at::Generator& generator, const Params* params = nullptr) const {
        TrainingSetup setup{domain_, batch, problem_.device};
        if (needs_energy(target_)) setup.energy = problem_.energy.get();
        std::unique_ptr<Sampler> sampler(
            reinterpret_cast<SamplerFactory>(target_.factory)(params ? *params : target_.params, setup, generator));
        expect(sampler != nullptr, "the factory returned nothing; return new YourSampler(params, setup, generator)");
        return sampler;
    }

    at::Tensor draw(Sampler& sampler, at::Generator& generator, int times = 1) const {
        at::Tensor x;
        for (int i = 0; i < times; ++i) x = sampler.draw(*network_, generator);
        return x;
    }

    const Domain& domain() const { return domain_; }
    const at::Device& device() const { return problem_.device; }
    const Network& network() const { return *network_; }
    const std::string& source() const { return source_; }  // "network" or "energy"
    const at::Tensor& log_p() const { return log_p_; }     // (K^D) float64, what draws follow

private:
    const CheckTarget& target_;
    const Domain domain_;
    const TinyProblem problem_;
    const std::string source_;
    at::Tensor log_p_;
    std::unique_ptr<Network> network_;
};

void expect_states(const at::Tensor& x, std::int64_t batch, const Domain& domain) {
    expect(
        x.defined() && x.dim() == 2 && x.size(0) == batch && x.size(1) == domain.sites && x.scalar_type() == at::kLong,
        "draw() gives " + shape_text(x) + "; it must be (B, D) int64, here (" + std::to_string(batch) + ", " +
            std::to_string(domain.sites) + ")");
    const auto low = x.min().item<std::int64_t>(), high = x.max().item<std::int64_t>();
    expect(high != domain.categories,
           "a state has sites left unknown (" + std::to_string(domain.categories) + " is □); fill them all");
    expect(low >= 0 && high < domain.categories, "a state holds the symbol " + std::to_string(low < 0 ? low : high) +
                                                     "; the symbols are 0 to " + std::to_string(domain.categories - 1));
}

std::string check_draws(const Bench& bench) {
    at::Generator generator = seeded(22, bench.device());
    const auto sampler = bench.make(few_rows, generator);
    at::Tensor x;
    for (int i = 0; i < 3; ++i) {
        x = bench.draw(*sampler, generator);
        expect_states(x, few_rows, bench.domain());
        expect(!x.requires_grad() && !at::GradMode::is_enabled(), "draw() turns grad mode on; leave it as it is");
    }
    const std::string report = sampler->report();
    expect(report.find('\n') == std::string::npos, "report() has several lines; make it one");
    return shape_text(x) + ", every site known" + (report.empty() ? "" : "; " + report);
}

std::string fit(const Bench& bench, const at::Tensor& x, int draws) {
    const at::Tensor counts = at::bincount(state_numbers(x.cpu(), bench.domain()), {}, bench.log_p().size(0));
    const at::Tensor p = bench.log_p().exp();
    const auto size = static_cast<std::size_t>(p.numel());
    const ChiSquare result = chi_square({p.data_ptr<double>(), size}, {counts.data_ptr<std::int64_t>(), size});
    expect(result.plausible(), "after " + std::to_string(draws) + " draws the " + std::to_string(rows) +
                                   " states are not distributed as the " + bench.source() + " says: " + result.text() +
                                   "; check the conditionals used, and that rows are independent");
    return result.text();
}

std::string check_distribution(const Bench& bench, Sampler& sampler, at::Generator& generator) {
    const at::Tensor x = bench.draw(sampler, generator, settling_draws);
    expect_states(x, rows, bench.domain());
    return fit(bench, x, settling_draws);
}

std::string check_invariance(const Bench& bench, Sampler& sampler, at::Generator& generator) {
    const at::Tensor before = sampler.draw(bench.network(), generator).clone();
    const at::Tensor x = bench.draw(sampler, generator, further_draws);
    expect(!at::equal(before, x), "the states do not change from draw to draw; refresh them");
    return fit(bench, x, settling_draws + 1 + further_draws);
}

// The density told of the last draw is that of its states.
std::string check_density(const Bench& bench) {
    constexpr double tolerance = 1e-4;  // a network's logits are float32
    at::Generator generator = seeded(30, bench.device());
    const auto sampler = bench.make(few_rows, generator);
    for (int i = 0; i < 2; ++i) {
        const at::Tensor x = bench.draw(*sampler, generator), told = sampler->log_density();
        if (!told.defined()) throw NotApplicable{"not told"};
        expect(told.dim() == 1 && told.size(0) == few_rows && told.scalar_type() == at::kDouble,
               "log_density() gives " + shape_text(told) + "; it must be (B) float64, here (" +
                   std::to_string(few_rows) + "), or an undefined tensor");
        const at::Tensor right = bench.log_p().index_select(0, state_numbers(x.cpu(), bench.domain()));
        const at::Tensor off = (told.cpu() - right).abs();
        const auto worst = off.argmax();
        expect(off.max().item<double>() <= tolerance,
               "log_density() gives " + digits(told[worst.item<std::int64_t>()].item<double>()) +
                   " for a state of the last draw whose log-density is " +
                   digits(right[worst.item<std::int64_t>()].item<double>()) +
                   "; give the normalised density with which each state was drawn");
    }
    return "as the " + bench.source() + " says";
}

std::string check_randomness(const Bench& bench) {
    const GlobalGenerator global(bench.device());
    const auto three_draws = [&](std::uint64_t seed) {
        at::Generator generator = seeded(seed, bench.device());
        const auto sampler = bench.make(few_rows, generator);
        std::vector<at::Tensor> drawn;
        for (int i = 0; i < 3; ++i) drawn.push_back(bench.draw(*sampler, generator).clone());
        return at::stack(drawn);
    };
    const at::Tensor first = three_draws(23);
    global.expect_untouched("the sampler");
    expect(at::equal(first, three_draws(23)),
           "two generators of the same seed gave other draws; draw from the generator passed alone");
    expect(!at::equal(first, three_draws(24)),
           "generators of two seeds gave the same draws; draw from the generator passed");
    return "same seed, same draws; no other generator";
}

std::string check_ownership(const Bench& bench) {
    at::Generator generator = seeded(25, bench.device());
    const auto sampler = bench.make(few_rows, generator);
    const at::Tensor kept = bench.draw(*sampler, generator), copy = kept.clone();
    bench.draw(*sampler, generator);
    expect(at::equal(kept, copy), "a later draw changed the tensor returned before; return a clone of the chains");
    return "a tensor returned stays as it is";
}

StateDict copy_of(const StateDict& state) {
    StateDict copy;
    for (const auto& [name, tensor] : state) copy[name] = tensor.clone();
    return copy;
}

std::string check_resume(const Bench& bench) {
    at::Generator generator = seeded(26, bench.device()), fresh = seeded(27, bench.device());
    const auto sampler = bench.make(few_rows, generator);
    bench.draw(*sampler, generator, 3);
    const StateDict state = copy_of(sampler->state());
    const at::Tensor generator_state = generator.get_state();
    const at::Tensor unbroken = bench.draw(*sampler, generator, 2).clone();

    const auto resumed = bench.make(few_rows, fresh);
    resumed->load(state);
    fresh.set_state(generator_state);
    expect(at::equal(bench.draw(*resumed, fresh, 2), unbroken),
           "a sampler restored with load(state()) draws other states than the unbroken one; put the chains, and "
           "whatever else "
           "the next draw depends on, into state()");
    return std::to_string(state.size()) + " tensors saved; goes on bit for bit";
}

std::string draw_waits(const Bench& bench) {
    at::Generator generator = seeded(33, bench.device());
    const auto sampler = bench.make(few_rows, generator);
    bench.draw(*sampler, generator);
    return waits_of("a draw", [&] { bench.draw(*sampler, generator); }, bench.device());
}

std::string measure_speed(const Bench& bench) {
    at::Generator generator = seeded(28, bench.device());
    const auto sampler = bench.make(512, generator);
    bench.draw(*sampler, generator);
    const std::int64_t calls = table_network_calls(bench.network());
    int draws = 0;
    const double seconds = seconds_of([&] {
        bench.draw(*sampler, generator).sum().item();  // when a device is done too
        ++draws;
    });
    const double passes = static_cast<double>(table_network_calls(bench.network()) - calls) / draws;
    return rounded(1e3 * seconds) + " ms and " + rounded(passes) + " network passes a draw of 512 states";
}

void check_long_run(const Bench& bench, Checker& checker) {
    at::Generator generator = seeded(29, bench.device());
    std::unique_ptr<Sampler> sampler;
    const bool right = checker.run("draws follow the " + bench.source() + "'s distribution", [&] {
        sampler = bench.make(rows, generator);
        return check_distribution(bench, *sampler, generator);
    });
    if (right) checker.run("further draws keep it", [&] { return check_invariance(bench, *sampler, generator); });
    else checker.leave_out("further draws keep it", "the draws do not follow it");
}

}  // namespace

void check_sampler(const CheckTarget& target, const at::Device& device, Checker& checker) {
    const at::NoGradGuard no_grad;  // as the host calls it
    std::unique_ptr<const Bench> bench;
    if (!checker.run("the checks' own " + source_of(target), [&] {
            bench = std::make_unique<Bench>(target, device);
            return domain_text(bench->domain().layout, bench->domain().categories) + ", a table of known p" +
                   on_device(device);
        }))
        return;
    check_declarations(target.plugin, checker);
    const auto create = [&](const Params& params) {
        at::Generator generator = seeded(20, device);
        bench->make(few_rows, generator, &params);
    };
    const bool made = checker.run("a sampler can be made", [&] {
        create(target.params);
        return "";
    });
    if (!made) return;
    check_corners(target.plugin, target.words, create, checker);
    if (!checker.run("draws are states", [&] { return check_draws(*bench); })) return;
    check_long_run(*bench, checker);
    checker.run("the density of the draws", [&] { return check_density(*bench); });
    checker.run("randomness comes from the generator passed", [&] { return check_randomness(*bench); });
    checker.run("a later draw leaves earlier ones alone", [&] { return check_ownership(*bench); });
    checker.run("resume equals unbroken", [&] { return check_resume(*bench); });
    checker.run(waits_check, [&] { return draw_waits(*bench); });
    checker.run("speed", [&] { return measure_speed(*bench); });
}

}  // namespace marginalia
