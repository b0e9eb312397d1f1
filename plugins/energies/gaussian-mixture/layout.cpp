#include "layout.h"

#include <cmath>
#include <random>

#include "real-targets/normal.h"

namespace gaussian_mixture {
namespace {

// A A^T / D and a tenth of the unit matrix, A of normal numbers: the eigenvalues are 0.1 to about 4.
std::vector<double> random_covariance(std::size_t n, double scale, marginalia::FastRandom& random) {
    constexpr double ridge = 0.1;
    std::vector<double> a(n * n), covariance(n * n);
    for (double& value : a) value = real_targets::normal(random);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double sum = i == j ? ridge * static_cast<double>(n) : 0;
            for (std::size_t k = 0; k < n; ++k) sum += a[i * n + k] * a[j * n + k];
            covariance[i * n + j] = scale * scale * sum / static_cast<double>(n);
        }
    return covariance;
}

std::vector<double> round_covariance(std::size_t n, double deviation) {
    std::vector<double> covariance(n * n, 0.0);
    for (std::size_t d = 0; d < n; ++d) covariance[d * n + d] = deviation * deviation;
    return covariance;
}

}  // namespace

// PyTorch's torch.rand after torch.manual_seed: the lower 24 bits of a Mersenne Twister, so that the usual layouts are
// these to the digit.
std::vector<Gaussian> modes_of(const Layout& layout) {
    std::mt19937 places(static_cast<std::uint32_t>(layout.seed));
    marginalia::FastRandom random(layout.seed, 1);
    std::vector<Gaussian> modes;
    for (std::size_t m = 0; m < layout.modes; ++m) {
        std::vector<double> mean;
        for (std::size_t d = 0; d < layout.dimensions; ++d)
            mean.push_back((std::ldexp(static_cast<double>(places() & 0xffffff), -24) - 0.5) * 2 * layout.spread);
        modes.emplace_back(std::move(mean), layout.random_covariance
                                                ? random_covariance(layout.dimensions, layout.deviation, random)
                                                : round_covariance(layout.dimensions, layout.deviation));
    }
    return modes;
}

}  // namespace gaussian_mixture
