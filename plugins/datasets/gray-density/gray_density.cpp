// A dataset of points of the plane in Gray code.
#include <marginalia/dataset.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "densities.h"

namespace {

using gray_density::Density;
using gray_density::Point;
using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;

constexpr int bits = 16;  // of a coordinate: its sign, and 15 of its size

constexpr Parameter parameters[] = {
    {.name = "density",
     .type = ParameterType::text,
     .fallback = "\"moons\"",
     .choices = "2spirals|8gaussians|circles|moons|pinwheel|swissroll|checkerboard",
     .help = "the density of the plane that points are drawn from"},
    {.name = "train",
     .type = ParameterType::integer,
     .fallback = "1000000",
     .minimum = 1,
     .maximum = 1e8,
     .unit = "rows",
     .help = "points for training"},
    {.name = "validation",
     .type = ParameterType::integer,
     .fallback = "10000",
     .minimum = 0,
     .maximum = 1e8,
     .unit = "rows",
     .help = "points for validation"},
    {.name = "test",
     .type = ParameterType::integer,
     .fallback = "100000",
     .minimum = 0,
     .maximum = 1e8,
     .unit = "rows",
     .help = "points for the test"},
    {.name = "seed",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "of the draws; each split has draws of its own"},
};

constexpr const char* manual = R"(Points of one of seven densities of the plane, each coordinate as 16 bits: D = 32,
K = 2, layout 2 x 16. Discrete energy-based models and samplers are compared on them by the negative log-likelihood of
fresh points, in nats (`nll`).

A coordinate v is its sign (1: below 0) and the whole part of |v| 2^15 / reach in 15 bits of Gray code, the highest
first; the reflected code, in which neighbouring numbers differ by one bit. As in the published code, reach is 2 more
than the largest coordinate of 5,000 points: 5.4925 (2spirals), 6.1948 (8gaussians), 5.7166 (circles), 5.5861 (moons),
5.9461 (pinwheel), 5.3196 (swissroll), 6 (checkerboard). That code draws its 5,000 points of 8gaussians and pinwheel
from a fixed seed; the others change from run to run, which moves published likelihoods by 0.012 (2spirals) to 0.034
nats (swissroll), twice the logarithm of reach. Here reach is the median of twenty runs.

The densities: `2spirals`, two arms of one and a half turns; `8gaussians`, on a circle; `circles`, two of them;
`moons`; `pinwheel`, five bent arms; `swissroll`; `checkerboard`, uniform on eight squares, whose entropy log 32 + 2 log
(2^15 / 6) = 20.677 nats is the floor of `nll`.

Rows are drawn when the dataset is made, from `seed`, and kept in memory, four bytes each. The observables `x` and `y`
are the coordinates.

References: W. Grathwohl et al., FFJORD, ICLR 2019 (the densities). H. Dai et al., Learning discrete energy-based models
via auxiliary-variable local exploration, NeurIPS 2020 (the code). D. Zhang et al., Generative flow networks for
discrete probabilistic modeling, ICML 2022.)";

using Row = std::uint32_t;  // the code of x above that of y

// nullopt: beyond the range of the code.
std::optional<Row> coded(double value, double reach) {
    const double size = std::floor(std::abs(value) * (1 << (bits - 1)) / reach);
    if (size >= 1 << (bits - 1)) return std::nullopt;
    const auto number = static_cast<Row>(size);
    return (value < 0 ? Row{1} << (bits - 1) : 0) | (number ^ (number >> 1));
}

double decoded(std::span<const std::uint8_t> code, double reach) {
    Row number = 0, bit = 0;
    for (const std::uint8_t symbol : code.subspan(1)) {
        bit ^= symbol;
        number = number << 1 | bit;
    }
    const double size = number * reach / (1 << (bits - 1));
    return code[0] == 1 ? -size : size;
}

std::vector<Row> drawn(const Density& density, std::int64_t count, std::uint64_t seed, Split split) {
    marginalia::FastRandom random(seed, static_cast<std::uint64_t>(split));
    std::vector<Row> rows;
    rows.reserve(static_cast<std::size_t>(count));
    while (std::ssize(rows) < count) {
        const Point point = density.draw(random);
        const auto x = coded(point.x, density.reach), y = coded(point.y, density.reach);
        if (x && y) rows.push_back(*x << bits | *y);
    }
    return rows;
}

class GrayDensity final : public marginalia::Dataset {
public:
    explicit GrayDensity(const marginalia::Params& p)
        : Dataset(2 * bits, 2), density_(gray_density::density_named(p.text("density"))) {
        const auto seed = static_cast<std::uint64_t>(p.integer("seed"));
        const std::pair<const char*, Split> splits[] = {
            {"train", Split::train}, {"validation", Split::validation}, {"test", Split::test}};
        for (const auto& [name, split] : splits) rows_.push_back(drawn(density_, p.integer(name), seed, split));
    }

    GrayDensity(const marginalia::Params& p, const marginalia::RowDescription& described)
        : Dataset(2 * bits, 2), rows_(3), density_(gray_density::density_named(p.text("density"))) {
        if (described.sites != sites() || described.categories != categories())
            throw Error("the checkpoint's states are not of 32 bits; its dataset was another one");
    }

    std::size_t size(Split split) const override { return part(split).size(); }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        const Row row = part(split)[index];
        for (std::size_t site = 0; site < out.size(); ++site)
            out[site] = static_cast<std::uint8_t>(row >> (out.size() - 1 - site) & 1);
    }

    marginalia::Layout layout() const override { return {{2, bits}, false}; }

    std::vector<marginalia::Observable> observables() const override { return {{"x", ""}, {"y", ""}}; }
    void observe(marginalia::State x, std::span<double> values) const override {
        values[0] = decoded(x.first(bits), density_.reach);
        values[1] = decoded(x.subspan(bits), density_.reach);
    }

private:
    const std::vector<Row>& part(Split split) const { return rows_[static_cast<std::size_t>(split)]; }

    std::vector<std::vector<Row>> rows_;  // by split
    const Density& density_;
};

}  // namespace

MARGINALIA_DATASET(GrayDensity, "gray-density", "points of seven densities of the plane, as 32 bits of Gray code",
                   manual, parameters);
