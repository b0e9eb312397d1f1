#include "transfer_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "line_symmetry.h"
#include "log_sum.h"
#include "path_sum.h"

namespace ising {
namespace {

// Columns worked on side by side: enough to fill vectors, few enough to stay in the second-level cache.
std::size_t batch_for(int unknown, std::size_t starts) {
    const std::size_t fitting = std::clamp<std::size_t>(std::size_t{8192} >> unknown, 8, 64);
    return std::min(fitting, starts);
}

int most_unknown(std::span<const Line> lines) {
    int most = 0;
    for (const Line& line : lines) most = std::max(most, line.unknown_count());
    return most;
}

}  // namespace

TransferMatrix::TransferMatrix(const Lattice& lattice)
    : lattice_(lattice), width_(static_cast<int>(std::min(lattice.rows, lattice.columns))),
      lines_(std::max(lattice.rows, lattice.columns)), cyclic_(lattice.wraps(lines_)),
      table_(std::size_t{1} << width_) {
    const int bonds = width_ - 1 + lattice.wraps(width_);
    const std::uint32_t places = (1u << (width_ - 1)) - 1;
    for (std::uint32_t spins = 0; spins < table_.size(); ++spins) {
        int unlike = std::popcount((spins ^ (spins >> 1)) & places);
        if (lattice.wraps(width_)) unlike += (spins ^ (spins >> (width_ - 1))) & 1;
        table_[spins] = lattice.coupling * (bonds - 2 * unlike) + lattice.field * (2 * std::popcount(spins) - width_);
    }
    log_unit_ = *std::max_element(table_.begin(), table_.end());
    for (double& weight : table_) weight = std::exp(weight - log_unit_);
}

std::int64_t TransferMatrix::site(std::int64_t line, int place) const {
    return lattice_.columns == width_ ? line * width_ + place : place * lattice_.columns + line;
}

Line TransferMatrix::line_of(marginalia::State x, std::int64_t line) const {
    Line known;
    for (int place = 0; place < width_; ++place) {
        const std::uint8_t symbol = x[site(line, place)];
        known.unknown |= std::uint32_t{symbol > 1} << place;
        known.up |= std::uint32_t{symbol == 1} << place;
    }
    return known;
}

double TransferMatrix::log_sum(marginalia::State x) const {
    std::vector<Line> lines;
    for (std::int64_t line = 0; line < lines_; ++line) lines.push_back(line_of(x, line));
    if (!cyclic_) return log_sum_open(lines);
    if (const auto sum = log_sum_of_line(lines)) return *sum;
    const PathPlan plan = cheapest_plan(x);
    return PathSum(lattice_, plan).log_sum();
}

// A path may lie across either way.
PathPlan TransferMatrix::cheapest_plan(marginalia::State x) const {
    const std::int64_t along = site(1, 0) - site(0, 0), across = width_ == 1 ? 1 : site(0, 1) - site(0, 0);
    PathPlan best = plan_path({lines_, along, width_, across, lattice_.wraps(width_)}, x);
    if (!lattice_.wraps(width_) || lines_ > widest_path) return best;
    PathPlan other = plan_path({width_, across, lines_, along, true}, x);
    return other.work < best.work ? other : best;
}

double TransferMatrix::log_sum_open(std::span<const Line> lines) const {
    LineTensor tensor(width_, most_unknown(lines), 1);
    tensor.set_ones(lines.front().unknown);
    tensor.weigh(lines.front(), table_);
    for (std::size_t line = 1; line < lines.size(); ++line) {
        tensor.cross(lines[line - 1], lines[line], lattice_.coupling);
        tensor.weigh(lines[line], table_);
    }
    const auto values = tensor.values();
    return std::log(std::accumulate(values.begin(), values.end(), 0.0)) + tensor.log_scale() +
           log_unit_ * static_cast<double>(lines_);
}

// Where all known sites of a torus lie in one line: any line may be the first.
std::optional<double> TransferMatrix::log_sum_of_line(std::span<const Line> lines) const {
    const std::uint32_t all = static_cast<std::uint32_t>(table_.size() - 1);
    Line known{all, 0};
    for (const Line& line : lines) {
        if (line.unknown == all) continue;
        if (known.unknown != all) return std::nullopt;
        known = line;
    }
    prepare();
    LogSum sum;
    for (std::uint32_t spins = 0;; spins = (spins - known.unknown) & known.unknown) {
        sum.add(first_lines_[known.up | spins]);
        if (spins == known.unknown) return sum.value();
    }
}

void TransferMatrix::prepare() const {
    std::call_once(prepared_, [this] {
        if (!cyclic_) {
            const std::vector<Line> lines(lines_, Line{static_cast<std::uint32_t>(table_.size() - 1), 0});
            log_z_ = log_sum_open(lines);
            return;
        }
        orbits_ = find_orbits();
        weigh_orbits(orbits_);
        LogSum total;
        for (const Orbit& orbit : orbits_) total.add(orbit.log_weight + std::log(orbit.multiplicity));
        log_z_ = total.value();
        first_lines_.resize(table_.size());
        for (const Orbit& orbit : orbits_)
            for (const std::uint32_t image : images_of(orbit.start, width_)) first_lines_[image] = orbit.log_weight;
    });
}

double TransferMatrix::log_z() const {
    prepare();
    return log_z_;
}

double TransferMatrix::entropy() const {
    const double step = 0.01 / std::max({1.0, std::abs(lattice_.coupling), std::abs(lattice_.field)});
    const auto log_z_at = [&](double t) {
        Lattice scaled = lattice_;
        scaled.coupling *= t;
        scaled.field *= t;
        return TransferMatrix(scaled).log_z();
    };
    const auto rise = [&](int steps) { return log_z_at(1 + steps * step) - log_z_at(1 - steps * step); };
    return log_z() - (45 * rise(1) - 9 * rise(2) + rise(3)) / (60 * step);
}

std::vector<TransferMatrix::Orbit> TransferMatrix::find_orbits() const {
    std::vector<Orbit> orbits;
    for (std::uint32_t spins = 0; spins < table_.size(); ++spins) {
        const auto images = images_of(spins, width_);
        if (*std::min_element(images.begin(), images.end()) != spins) continue;
        const auto fixed = std::count(images.begin(), images.end(), spins);
        orbits.push_back({spins, static_cast<double>(images.size()) / static_cast<double>(fixed), 0});
    }
    return orbits;
}

// The weight of all states with first line c is D(c) * y D z with y = V (D V)^(m-1) e_c, z = V (D V)^(n-1) e_c and
// m + n = L, as V and D are symmetric: half the lines, twice the use.
void TransferMatrix::weigh_orbits(std::span<Orbit> orbits) const {
    const Line all{static_cast<std::uint32_t>(table_.size() - 1), 0};
    LineTensor tensor(width_, width_, batch_for(width_, orbits.size()));
    std::vector<std::uint32_t> starts;
    std::vector<double> half, sums(tensor.batch());
    for (std::size_t first = 0; first < orbits.size(); first += tensor.batch()) {
        const auto block = orbits.subspan(first, std::min(tensor.batch(), orbits.size() - first));
        starts.clear();
        for (const Orbit& orbit : block) starts.push_back(orbit.start);
        tensor.set_units(all.unknown, starts);
        tensor.cross(all, all, lattice_.coupling);
        const auto advance = [&] {
            tensor.weigh(all, table_);
            tensor.cross(all, all, lattice_.coupling);
        };
        for (std::int64_t line = 1; line < lines_ / 2; ++line) advance();
        half.assign(tensor.values().begin(), tensor.values().end());
        const double half_scale = tensor.log_scale();
        if (lines_ % 2 == 1) advance();
        std::fill(sums.begin(), sums.end(), 0.0);
        for (std::size_t row = 0; row < tensor.rows(); ++row)
            for (std::size_t j = 0; j < tensor.batch(); ++j)
                sums[j] += table_[row] * half[row * tensor.batch() + j] * tensor.at(row, j);
        for (std::size_t j = 0; j < block.size(); ++j)
            block[j].log_weight = std::log(table_[block[j].start]) + std::log(sums[j]) + half_scale +
                                  tensor.log_scale() + log_unit_ * static_cast<double>(lines_);
    }
}

}  // namespace ising
