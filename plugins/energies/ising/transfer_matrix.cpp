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
    : lattice_(lattice), width_(static_cast<int>(width_of(lattice))), lines_(lattice.sites() / width_),
      by_rows_(lattice.columns == width_), ring_(by_rows_ ? lattice.wraps_columns() : lattice.wraps_rows()),
      cyclic_(by_rows_ ? lattice.wraps_rows() : lattice.wraps_columns()), table_(std::size_t{1} << width_) {
    const int bonds = width_ - 1 + ring_;
    const std::uint32_t places = (1u << (width_ - 1)) - 1;
    for (std::uint32_t spins = 0; spins < table_.size(); ++spins) {
        int unlike = std::popcount((spins ^ (spins >> 1)) & places);
        if (ring_) unlike += (spins ^ (spins >> (width_ - 1))) & 1;
        table_[spins] = lattice.coupling * (bonds - 2 * unlike) + lattice.field * (2 * std::popcount(spins) - width_);
    }
    log_unit_ = *std::max_element(table_.begin(), table_.end());
    for (double& weight : table_) weight = std::exp(weight - log_unit_);
}

std::int64_t TransferMatrix::site(std::int64_t line, int place) const {
    return by_rows_ ? line * width_ + place : place * lattice_.columns + line;
}

// `turned`: of a square lattice, by its columns where else by its rows.
std::vector<Line> TransferMatrix::lines_of(marginalia::State x, bool turned) const {
    std::vector<Line> lines(static_cast<std::size_t>(lines_));
    for (std::int64_t line = 0; line < lines_; ++line)
        for (int place = 0; place < width_; ++place) {
            const std::uint8_t symbol = x[turned ? site(place, static_cast<int>(line)) : site(line, place)];
            lines[line].unknown |= std::uint32_t{symbol > 1} << place;
            lines[line].up |= std::uint32_t{symbol == 1} << place;
        }
    return lines;
}

double TransferMatrix::log_sum(marginalia::State x) const {
    if (!cyclic_) return log_sum_open(lines_of(x, false));
    std::optional<TwoLines> pair;
    for (const bool turned : {false, true}) {
        if (turned && lines_ != width_) break;
        const std::vector<Line> lines = lines_of(x, turned);
        if (const auto sum = log_sum_of_line(lines)) return *sum;
        const auto other = two_lines_of(lines);
        if (other && (!pair || work_of(*other) < work_of(*pair))) pair = other;
    }
    const PathPlan plan = cheapest_plan(x);
    if (pair && work_of(*pair) < plan.work) return log_sum_of_two_lines(*pair);
    return PathSum(lattice_, plan).log_sum();
}

// A path may lie across either way.
PathPlan TransferMatrix::cheapest_plan(marginalia::State x) const {
    const std::int64_t along = site(1, 0) - site(0, 0), across = width_ == 1 ? 1 : site(0, 1) - site(0, 0);
    PathPlan best = plan_path({lines_, along, width_, across, ring_}, x);
    if (!ring_ || lines_ > widest_path) return best;
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
    std::vector<double> sums;
    sweep(orbits, lines_ / 2,
          [&](std::size_t first, std::span<const double> weights, std::size_t batch, double log_scale) {
              sums.assign(batch, 0.0);
              for (std::size_t row = 0; row < table_.size(); ++row)
                  for (std::size_t j = 0; j < batch; ++j) sums[j] += weights[row * batch + j];
              for (std::size_t j = 0; j < batch && first + j < orbits.size(); ++j)
                  orbits[first + j].log_weight =
                      std::log(sums[j]) + log_scale + std::log(table_[orbits[first + j].start]);
          });
}

void TransferMatrix::sweep(std::span<const Orbit> orbits, std::int64_t apart, const Visit& visit) const {
    const Line all{static_cast<std::uint32_t>(table_.size() - 1), 0};
    LineTensor tensor(width_, width_, batch_for(width_, orbits.size()));
    const std::size_t batch = tensor.batch();
    std::vector<std::uint32_t> starts;
    std::vector<double> weights;
    for (std::size_t first = 0; first < orbits.size(); first += batch) {
        starts.clear();
        for (const Orbit& orbit : orbits.subspan(first, std::min(batch, orbits.size() - first)))
            starts.push_back(orbit.start);
        tensor.set_units(all.unknown, starts);
        tensor.cross(all, all, lattice_.coupling);
        std::int64_t line = 1;
        const auto advance_to = [&](std::int64_t wanted) {
            for (; line < wanted; ++line) {
                tensor.weigh(all, table_);
                tensor.cross(all, all, lattice_.coupling);
            }
        };
        advance_to(std::min(apart, lines_ - apart));
        weights.assign(tensor.values().begin(), tensor.values().end());
        const double half_scale = tensor.log_scale();
        advance_to(std::max(apart, lines_ - apart));
        for (std::size_t row = 0; row < tensor.rows(); ++row)
            for (std::size_t j = 0; j < batch; ++j) weights[row * batch + j] *= table_[row] * tensor.at(row, j);
        visit(first, weights, batch, half_scale + tensor.log_scale() + log_unit_ * static_cast<double>(lines_));
    }
}

}  // namespace ising
