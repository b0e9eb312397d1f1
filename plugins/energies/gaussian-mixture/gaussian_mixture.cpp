#include <marginalia/real_energy.h>

#include <cmath>

#include "layout.h"
#include "real-targets/gray_energy.h"
#include "real-targets/normal.h"

namespace gaussian_mixture {
namespace {

using marginalia::ParameterType;
using marginalia::Reals;

constexpr double reach = 6;  // deviations beyond the outermost modes, of a grid

constexpr marginalia::Parameter parameters[] = {
    {.name = "dimensions",
     .type = ParameterType::integer,
     .fallback = "2",
     .minimum = 1,
     .maximum = 1024,
     .unit = "numbers",
     .help = "of a state"},
    {.name = "modes",
     .type = ParameterType::integer,
     .fallback = "40",
     .minimum = 1,
     .maximum = 10000,
     .unit = "modes",
     .help = "normal densities, equally likely; 1: a single one"},
    {.name = "spread",
     .type = ParameterType::number,
     .fallback = "40.0",
     .minimum = 0,
     .maximum = 1e6,
     .help = "the means are uniform from -spread to spread in each dimension"},
    {.name = "deviation",
     .type = ParameterType::number,
     .fallback = "1.313261687518223",
     .minimum = 1e-6,
     .maximum = 1e6,
     .help = "standard deviation of a mode, or the scale of its covariance"},
    {.name = "covariance",
     .type = ParameterType::text,
     .fallback = "\"round\"",
     .choices = "round|random",
     .help = "of each mode: deviation² in every direction, or a random one"},
    {.name = "seed",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 4294967295,
     .help = "of the means and covariances"},
    real_targets::encoding_parameter,
    real_targets::bits_parameter,
};

constexpr const char* manual =
    R"(A mixture of M equally likely normal densities of D numbers, of which everything is known:

    f(y) = 1/M sum over modes m of N(y; μ_m, Σ_m),     log Z = 0

With the defaults it is the usual 40-mode mixture: μ uniform in [-40, 40]^D, the same numbers as PyTorch's torch.rand
after torch.manual_seed(0), mode after mode, and Σ = softplus(1)² in every direction. With covariance = "random" it is
Σ_m = deviation² (A A^T / D + 0.1), A a matrix of normal numbers: correlated numbers whose every marginal is known.
modes = 1 is a single normal density.

The log-marginal of any numbers takes a Cholesky root of each mode, M D³ / 3 operations at most; reference states are
independent draws. Each site is scaled by the mean and the standard deviation of its number, which are exact.

Sites hold numbers, or with encoding = "gray" each number takes `bits` sites: the Gray code of its cell among 2^bits of
equal width, from 6 deviations below the lowest mean of its dimension to 6 above the highest. log f is then the log of a
cell's mass (density at its centre times its width), whose sum is 1 up to the error of that rule. log Z, marginals and
states are exact there too. Covariances are "round" then. The figure `sinkhorn` is in the numbers' own units, squared,
in both.

References: L. I. Midgley et al., Flow annealed importance sampling bootstrap, ICLR 2023 (arXiv 2208.01893), the 40
modes. D. Blessing et al., Beyond ELBOs: a large-scale evaluation of variational methods for sampling, ICML 2024 (arXiv
2406.07423), the same in more dimensions.)";

double log_of_mean(const std::vector<double>& logs) {
    return real_targets::log_sum_exp(logs) - std::log(static_cast<double>(logs.size()));
}

// Scaled by the mean and standard deviation of each number.
std::vector<marginalia::Site> sites_of(const std::vector<Gaussian>& modes) {
    std::vector<marginalia::Site> sites;
    const auto count = static_cast<double>(modes.size());
    for (std::size_t d = 0; d < modes[0].size(); ++d) {
        double mean = 0, square = 0;
        for (const Gaussian& mode : modes) {
            mean += mode.mean(d) / count;
            square += (mode.variance(d) + mode.mean(d) * mode.mean(d)) / count;
        }
        sites.push_back({0, "", {}, mean, std::sqrt(square - mean * mean)});
    }
    return sites;
}

class GaussianMixture final : public marginalia::RealEnergy {
public:
    explicit GaussianMixture(std::vector<Gaussian> modes) : RealEnergy(sites_of(modes)), modes_(std::move(modes)) {}

    double log_f(Reals y) const override {
        std::vector<double> logs;
        for (const Gaussian& mode : modes_) logs.push_back(mode.log_density(y));
        return log_of_mean(logs);
    }

    std::optional<double> log_z() const override { return 0; }

    std::optional<double> log_marginal(Reals y, const std::vector<bool>& known) const override {
        std::vector<std::size_t> of;
        std::vector<double> numbers, logs;
        for (std::size_t d = 0; d < y.size(); ++d)
            if (known[d]) of.push_back(d), numbers.push_back(y[d]);
        for (const Gaussian& mode : modes_) logs.push_back(mode.marginal(of).log_density(numbers));
        return log_of_mean(logs);
    }

    std::optional<marginalia::ReferenceSamples> real_samples(std::size_t count, std::uint64_t seed) const override {
        marginalia::FastRandom random(seed);
        marginalia::ReferenceSamples samples{{}, true, "independent draws of the modes", {}};
        for (std::size_t row = 0; row < count; ++row) modes_[random.below(modes_.size())].draw(random, samples.reals);
        return samples;
    }

private:
    const std::vector<Gaussian> modes_;
};

real_targets::ProductGrid grid_of(const std::vector<Gaussian>& modes, int bits) {
    std::vector<real_targets::ProductGrid::Axis> axes;
    for (std::size_t d = 0; d < modes[0].size(); ++d) {
        const auto before = [d](const Gaussian& a, const Gaussian& b) { return a.mean(d) < b.mean(d); };
        const auto [low, high] = std::minmax_element(modes.begin(), modes.end(), before);
        const double margin = reach * std::sqrt(modes[0].variance(d));
        axes.emplace_back(low->mean(d) - margin, high->mean(d) + margin);
    }
    // The weight of a mode is a factor of its first axis.
    const double log_weight = -std::log(static_cast<double>(modes.size()));
    return {std::move(axes), bits, modes.size(), [&](std::size_t m, std::size_t axis, double y) {
                return modes[m].marginal({axis}).log_density({&y, 1}) + (axis == 0 ? log_weight : 0);
            }};
}

marginalia::Energy* create(const marginalia::Params& params) {
    const bool random = params.text("covariance") == "random";
    const Layout layout{static_cast<std::size_t>(params.integer("dimensions")),
                        static_cast<std::size_t>(params.integer("modes")),
                        params.number("spread"),
                        params.number("deviation"),
                        random,
                        static_cast<std::uint64_t>(params.integer("seed"))};
    if (params.text("encoding") == "real") return new GaussianMixture(modes_of(layout));
    if (random)
        throw marginalia::Error(
            "encoding = \"gray\" needs modes whose numbers are independent; set covariance = \"round\"");
    return new real_targets::GrayEnergy(grid_of(modes_of(layout), static_cast<int>(params.integer("bits"))));
}

}  // namespace
}  // namespace gaussian_mixture

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", "gaussian-mixture",
                  "mixture of normal densities with exact marginals, as numbers or bits", gaussian_mixture::manual,
                  gaussian_mixture::parameters, &gaussian_mixture::create, "");
