#include <marginalia/real_energy.h>

#include <cmath>
#include <numbers>

#include "real-targets/gray_energy.h"
#include "real-targets/line_density.h"

namespace {

using marginalia::ParameterType;
using marginalia::Reals;
using real_targets::LineDensity;

constexpr marginalia::Parameter parameters[] = {
    {.name = "dimensions",
     .type = ParameterType::integer,
     .fallback = "32",
     .minimum = 2,
     .maximum = 4096,
     .unit = "numbers",
     .help = "even: two for each double well"},
    real_targets::encoding_parameter,
    real_targets::bits_parameter,
};

constexpr const char* manual = R"(Independent double wells in D / 2 planes, 2^(D/2) modes in all, of which those with
more numbers above 0 are the likelier ones:

    log f(y) = sum over pairs (a, b) of numbers of -a⁴ + 6 a² + a / 2 - b² / 2

The modes of a plane lie at a = ±1.7; log f is 10 lower between them, so that chains of small moves do not pass from one
to another. log Z is D / 2 times that of one plane, 10.293480 nats, by quadrature; D = 32 gives 164.69568. Marginals of
any numbers and independent states are exact.

Sites hold numbers, or with encoding = "gray" each number takes `bits` sites: the Gray code of its cell among 2^bits of
equal width, from -3.2 to 3.2 for a and -6 to 6 for b. log f is then the log of a cell's mass (density at its centre
times its width), and log Z differs from that of the densities by the error of that rule. log Z, marginals and states
are exact there too. The figure `sinkhorn` is in the numbers' own units, squared, in both.

References: L. I. Midgley et al., Flow annealed importance sampling bootstrap, ICLR 2023 (arXiv 2208.01893), app. E. F.
Noé et al., Boltzmann generators, Science 365, eaaw1147 (2019), the double well.)";

double log_well(double y) { return -y * y * y * y + 6 * y * y + y / 2; }
double log_normal(double y) { return -y * y / 2; }

// The two densities of each plane, the double well first.
class Lines {
public:
    const LineDensity& of(std::size_t axis) const { return axis % 2 == 0 ? well_ : normal_; }

private:
    const LineDensity well_{log_well, -3.6, 3.6}, normal_{log_normal, -9, 9};
};

std::vector<marginalia::Site> sites_of(std::size_t dimensions) {
    const Lines lines;
    std::vector<marginalia::Site> sites;
    for (std::size_t d = 0; d < dimensions; ++d) {
        const LineDensity& line = lines.of(d);
        sites.push_back({0, "", {}, line.mean(), std::sqrt(line.variance())});
    }
    return sites;
}

class ManyWell final : public marginalia::RealEnergy {
public:
    explicit ManyWell(std::size_t dimensions) : RealEnergy(sites_of(dimensions)) {}

    double log_f(Reals y) const override {
        double sum = 0;
        for (std::size_t d = 0; d < y.size(); ++d) sum += lines_.of(d).log_f(y[d]);
        return sum;
    }

    std::optional<double> log_z() const override {
        return static_cast<double>(sites() / 2) * (lines_.of(0).log_z() + lines_.of(1).log_z());
    }

    std::optional<double> log_marginal(Reals y, const std::vector<bool>& known) const override {
        double sum = 0;
        for (std::size_t d = 0; d < y.size(); ++d)
            if (known[d]) sum += lines_.of(d).log_f(y[d]) - lines_.of(d).log_z();
        return sum;
    }

    std::optional<marginalia::ReferenceSamples> real_samples(std::size_t count, std::uint64_t seed) const override {
        marginalia::FastRandom random(seed);
        marginalia::ReferenceSamples samples{{}, true, "independent, number by number by rejection", {}};
        for (std::size_t row = 0; row < count; ++row)
            for (std::size_t d = 0; d < static_cast<std::size_t>(sites()); ++d)
                samples.reals.push_back(lines_.of(d).draw(random));
        return samples;
    }

private:
    const Lines lines_;
};

real_targets::ProductGrid grid_of(std::size_t dimensions, int bits) {
    std::vector<real_targets::ProductGrid::Axis> axes;
    for (std::size_t d = 0; d < dimensions; ++d)
        axes.push_back(d % 2 == 0 ? std::pair(-3.2, 3.2) : std::pair(-6.0, 6.0));
    return {std::move(axes), bits, 1,
            [](std::size_t, std::size_t axis, double y) { return axis % 2 == 0 ? log_well(y) : log_normal(y); }};
}

marginalia::Energy* create(const marginalia::Params& params) {
    const auto dimensions = static_cast<std::size_t>(params.integer("dimensions"));
    if (dimensions % 2 != 0)
        throw marginalia::Error("dimensions = " + std::to_string(dimensions) +
                                " are not pairs of numbers; give an even number");
    if (params.text("encoding") == "real") return new ManyWell(dimensions);
    return new real_targets::GrayEnergy(grid_of(dimensions, static_cast<int>(params.integer("bits"))));
}

}  // namespace

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", "many-well", "double wells in many dimensions, as numbers or bits",
                  manual, parameters, &create, "");
