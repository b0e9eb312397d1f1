// Sums over a torus of which two lines have all that is known.
#include <bit>
#include <cmath>

#include "line_symmetry.h"
#include "log_sum.h"
#include "transfer_matrix.h"

namespace ising {
namespace {

// What is known of the state b once it is known of its image.
Line source_of(const Line& known, int width, int image) {
    Line source;
    for (int place = 0; place < width; ++place) {
        const int from = source_place(place, width, image);
        source.unknown |= (known.unknown >> place & 1u) << from;
        source.up |= (known.up >> place & 1u) << from;
    }
    return source;
}

double sum_over(const Line& known, std::span<const double> weights) {
    double sum = 0;
    for (std::uint32_t spins = 0;; spins = (spins - known.unknown) & known.unknown) {
        sum += weights[known.up | spins];
        if (spins == known.unknown) return sum;
    }
}

}  // namespace

std::optional<TransferMatrix::TwoLines> TransferMatrix::two_lines_of(std::span<const Line> lines) const {
    std::vector<std::int64_t> known;
    for (std::int64_t line = 0; line < lines_; ++line)
        if (lines[line].unknown + 1 != table_.size()) known.push_back(line);
    if (known.size() != 2) return std::nullopt;
    return TwoLines{lines[known[0]], lines[known[1]], known[1] - known[0]};
}

// In entries, as PathPlan::work.
double TransferMatrix::work_of(const TwoLines& known) const {
    prepare();
    const auto far = static_cast<double>(std::max(known.apart, lines_ - known.apart));
    const double of_images = std::exp2(known.first.unknown_count() + known.second.unknown_count() - 2 * width_ + 4);
    return static_cast<double>(orbits_.size() * table_.size()) * width_ * (far + of_images);
}

// With T_k the weights of the k - 1 lines between two lines k apart, the sum is that of D(a) T_k(a, b) D(b) T_(L-k)(b,
// a) over the states a and b of the two lines that agree with what is known. As T_k(ga, gb) = T_k(a, b) for rotations
// and reflections g, the b of one a = c give those of all its images gc: they are the sources of the second line's.
double TransferMatrix::log_sum_of_two_lines(const TwoLines& known) const {
    LogSum total;
    std::vector<double> column(table_.size());
    sweep(orbits_, known.apart,
          [&](std::size_t first, std::span<const double> weights, std::size_t batch, double log_scale) {
              for (std::size_t j = 0; j < batch && first + j < orbits_.size(); ++j) {
                  const Orbit& orbit = orbits_[first + j];
                  for (std::size_t row = 0; row < column.size(); ++row) column[row] = weights[row * batch + j];
                  const double mean = sum_over_images(known, orbit.start, column) / (2 * width_);
                  total.add(std::log(mean * orbit.multiplicity * table_[orbit.start]) + log_scale);
              }
          });
    return total.value();
}

double TransferMatrix::sum_over_images(const TwoLines& known, std::uint32_t start,
                                       std::span<const double> weights) const {
    double sum = 0;
    for (int image = 0; image < 2 * width_; ++image)
        if ((image_of(start, width_, image) & ~known.first.unknown) == known.first.up)
            sum += sum_over(source_of(known.second, width_, image), weights);
    return sum;
}

}  // namespace ising
