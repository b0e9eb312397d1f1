#include <algorithm>

#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/network_outputs.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "kernel/worker/check/torch/wait_check.h"

namespace marginalia {
namespace {

using Probes = std::vector<std::unique_ptr<NetworkProbe>>;

// The domains that the network accepts. At least one of those tried.
std::string find_domains(const CheckTarget& target, const NetworkMaker& maker, Probes& probes) {
    const GivenDomain sequence{{{6}, false}, 3}, torus{{{3, 4}, true}, 2};
    std::string accepted, refused;
    for (const GivenDomain& given : target.domain ? std::vector{*target.domain} : std::vector{sequence, torus}) {
        const std::string name = domain_text(given.layout, given.categories);
        try {
            probes.push_back(std::make_unique<NetworkProbe>(maker, domain_of(given)));
            accepted += (accepted.empty() ? "" : "; ") + name;
        } catch (const Error& error) {
            refused += "; refuses " + name + ": " + error.what();
        }
    }
    expect(!probes.empty(), "no domain tried is accepted" + refused +
                                "; give one that is, as domain.shape=4x4 domain.categories=2 domain.periodic=true");
    return accepted + refused;
}

// Of data nobody knows couplings: the network does without, or says that it cannot.
std::string check_without_energy(const NetworkProbe& probe) {
    Domain domain = probe.domain;
    domain.form = nullptr;
    try {
        probe.maker.make(domain, 1);
    } catch (const Error& error) {
        return std::string("refused: ") + error.what();
    }
    return "a network is made";
}

void run_on_all(Checker& checker, const char* name, const Probes& probes, std::string (*check)(const NetworkProbe&)) {
    checker.run(name, [&] {
        std::vector<std::string> found;
        for (const auto& probe : probes) {
            try {
                found.push_back(check(*probe));
            } catch (const Error& error) {
                throw Error("on " + probe->name + ": " + error.what());
            }
        }
        if (std::count(found.begin(), found.end(), found.front()) == static_cast<std::ptrdiff_t>(found.size()))
            return found.front();
        std::string all;
        for (std::size_t i = 0; i < found.size(); ++i) all += (i > 0 ? "; " : "") + probes[i]->name + ": " + found[i];
        return all;
    });
}

}  // namespace

void check_network(const CheckTarget& target, Checker& checker) {
    const NetworkMaker maker(target);
    Probes probes;
    check_declarations(target.plugin, checker);
    if (!checker.run("a network can be made", [&] { return find_domains(target, maker, probes); })) return;
    check_corners(
        target.plugin, target.words, [&](const Params& params) { maker.make(probes.front()->domain, 1, params); },
        checker);
    run_on_all(checker, "without an energy", probes, check_without_energy);
    run_on_all(checker, "both heads have their shapes", probes, check_shapes);
    if (checker.results().back().failed())
        return checker.leave_out("whatever looks at values", "mend the shapes first");
    run_on_all(checker, "both heads are finite", probes, check_finite);
    if (checker.results().back().failed())
        return checker.leave_out("whatever compares values", "mend what is not finite first");
    run_on_all(checker, "log_marginal of all □ is 0", probes, check_blank);
    run_on_all(checker, "the optional methods agree", probes, check_methods);
    run_on_all(checker, "p sums to 1", probes, check_normalised);
    run_on_all(checker, "draws follow the density", probes, check_draws);
    run_on_all(checker, "gradients reach every parameter", probes, check_gradients);
    run_on_all(checker, "saving and loading", probes, check_saving);
    run_on_all(checker, "parameters are all there is to keep", probes, check_checkpoint);
    run_on_all(checker, "a state's values are its own", probes, check_rows);
    run_on_all(checker, "the same states give the same values", probes, check_repeat);
    run_on_all(checker, "weights come from the generator passed", probes, check_weights);
    run_on_all(checker, "another device", probes, check_device_move);
    run_on_all(checker, waits_check, probes, check_waits);
    run_on_all(checker, "speed", probes, measure_speed);
}

}  // namespace marginalia
