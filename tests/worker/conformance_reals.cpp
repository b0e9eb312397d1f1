// Checks of energies whose sites hold real numbers: each planted fault is named, and a right one passes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <marginalia/random.h>
#include <marginalia/real_energy.h>

#include "kernel/worker/check/check.h"

namespace conformance_reals {

using namespace marginalia;

namespace {

const double log_root_two_pi = 0.5 * std::log(2 * std::numbers::pi);

// Two independent normal numbers of mean 3 and deviation 2, scaled by these; log Z = 1.
struct Normals : RealEnergy {
    explicit Normals(double scale = 2) : RealEnergy({{0, "", {}, 3, scale}, {0, "", {}, 3, scale}}) {}

    double log_f(Reals y) const override { return 1 + log_p(y[0]) + log_p(y[1]); }
    std::optional<double> log_z() const override { return 1; }
    std::optional<double> log_marginal(Reals y, const std::vector<bool>& known) const override {
        double sum = 0;
        for (std::size_t d = 0; d < y.size(); ++d) sum += known[d] ? log_p(y[d]) : 0;
        return sum;
    }
    std::optional<ReferenceSamples> real_samples(std::size_t count, std::uint64_t seed) const override {
        FastRandom random(seed);
        ReferenceSamples samples{{}, true, "twelve uniform numbers", {}};
        for (std::size_t i = 0; i < 2 * count; ++i) {
            double sum = -6;
            for (int k = 0; k < 12; ++k) sum += random.uniform();
            samples.reals.push_back(3 + deviation() * sum);
        }
        return samples;
    }
    virtual double deviation() const { return 2; }  // of the samples

    static double log_p(double y) { return -(y - 3) * (y - 3) / 8 - std::log(2.0) - log_root_two_pi; }
};

struct WrongLogZ final : Normals {
    std::optional<double> log_z() const override { return 1.1; }
};
struct NoNumber final : Normals {
    double log_f(Reals y) const override { return y[0] > 3 ? std::nan("") : 0; }
};
struct WrongMarginals final : Normals {
    std::optional<double> log_marginal(Reals y, const std::vector<bool>& known) const override {
        return *Normals::log_marginal(y, known) + (known[0] && !known[1] ? 0.1 : 0);
    }
};
struct WrongSamples final : Normals {
    double deviation() const override { return 4; }
};
struct WrongScale final : Normals {
    WrongScale() : Normals(0) {}
};
struct Drifting final : Normals {
    double log_f(Reals y) const override { return Normals::log_f(y) + 1e-3 * ++calls; }
    mutable int calls = 0;
};

template <class Type>
Checker checked() {
    Checker checker;
    check_energy([] { return std::make_unique<const Type>(); }, checker);
    return checker;
}

// What the check of this name says is wrong; "" where it passed or was not made.
template <class Type>
std::string fault(const std::string& name) {
    const Checker checker = checked<Type>();
    for (const CheckResult& result : checker.results())
        if (result.name == name && result.failed()) return result.detail;
    return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an energy of numbers without fault passes every check, none left out") {
    const Checker checker = checked<Normals>();
    for (const CheckResult& result : checker.results())
        CHECK_MESSAGE(!result.failed(), result.name, ": ", result.detail);
    CHECK(checker.count(Verdict::passed) >= 11);
}

TEST_CASE("faults of energies of numbers are named") {
    CHECK(has(fault<WrongLogZ>("log Z"), "log Z is 1.1 nats where quadrature"));
    CHECK(has(fault<NoNumber>("log f is a number or -infinity"), "it must be finite or -infinity"));
    CHECK(has(fault<WrongMarginals>("marginals of one and two numbers"), "the marginal of site 0 integrates to 1.105"));
    CHECK(has(fault<WrongSamples>("reference samples"), "are said to be exact"));
    CHECK(has(fault<WrongScale>("sites and layout"), "the scale above 0"));
    CHECK(has(fault<Drifting>("the same state has the same log f"), "alone and later; make them the same"));
}

}  // namespace conformance_reals
