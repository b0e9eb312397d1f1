#include "toroidal_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "both_ways.h"
#include "spin_line.h"
#include "transition.h"

namespace free_fermions {
namespace {

using factor_graph::Dual;
using factor_graph::scaled;

template <class Scalar>
struct Trace {
    Scalar log_size;
    int sign;
};

// The line of two rows, the last and the first, when all bonds but those between these two are done.
template <class Scalar>
SpinLine<Scalar> all_rows(const Sheet& torus, bool even) {
    using Line = SpinLine<Scalar>;
    const std::size_t columns = torus.columns;
    Line line(2 * columns);
    for (std::size_t column = 0; column < columns; ++column) line.pair(column, 2 * columns - 1 - column, true);
    for (std::size_t row = 0; row < torus.rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            const double weight = torus.across[row * columns + column];
            const bool last = column + 1 == columns;
            if (weight != 0)
                line.apply(Line::bond(column, last ? 0 : column + 1, scaled<Scalar>(weight), last && even));
        }
        line.straighten();
        if (row + 1 == torus.rows) return line;
        for (std::size_t column = 0; column < columns; ++column)
            line.apply(Line::successor(column, scaled<Scalar>(torus.down[row * columns + column])));
        line.straighten();
    }
    return line;
}

// Both traces of a sector, as sums over its two rows.
template <class Scalar>
class Closing {
public:
    Closing(const Sheet& torus, bool even) : torus_(torus), rows_(all_rows<Scalar>(torus, even)) {
        for (const Scalar& mean : rows_.means()) means_.push_back(value_of(mean));
        cylinder_ = value_of(trace(0).log_size);
    }

    // Sums out both rows, from the middle of the line outwards, after bonds between them that are `share` times theirs.
    // With 0 this is the sum over a cylinder, which is above 0: from there the sign is followed, by another way to the
    // ratio of the two. Where that ratio is another, by a tenth, a factor of the wrong sign may be the reason, and the
    // trace is not a number.
    Trace<Scalar> trace(double share) const {
        SpinLine<Scalar> line = rows_;
        const std::size_t columns = torus_.columns;
        Transition from_cylinder(SpinLine<double>(2 * columns).means(), 2 * columns);
        from_cylinder.restart(means_);
        int sign = 1;
        double log_ratio = 0;
        for (std::size_t column = columns; column-- > 0;) {
            const std::size_t other = 2 * columns - 1 - column;
            const double weight = share * torus_.down[(torus_.rows - 1) * columns + column];
            const auto factor = SpinLine<Scalar>::bond(column, other, scaled<Scalar>(weight), false);
            line.apply(factor);
            const double by = from_cylinder.apply(column, other, value_of(factor.u), value_of(factor.v));
            log_ratio += std::abs(weight) + std::log(std::abs(by));
            if (by < 0) sign = -sign;
            for (const std::size_t slot : {column, other}) line.apply(SpinLine<Scalar>::mean(slot));
            if (column % 8 == 0) line.straighten();
        }
        const bool known = share == 0 || std::abs(value_of(line.log_norm()) - cylinder_ - log_ratio) < 0.1;
        return {known ? line.log_norm() : Scalar(std::numeric_limits<double>::quiet_NaN()), sign};
    }

private:
    const Sheet& torus_;
    const SpinLine<Scalar> rows_;
    std::vector<double> means_;
    double cylinder_ = 0;  // log of the sum over the cylinder
};

template <class Scalar>
Scalar log_sum(const Sheet& torus) {
    using std::exp;
    using std::log;
    const Closing<Scalar> even(torus, true), odd(torus, false);
    const Trace<Scalar> all[] = {even.trace(1), even.trace(-1), odd.trace(1), odd.trace(-1)};
    double largest = value_of(all[0].log_size);
    for (const Trace<Scalar>& trace : all) largest = std::max(largest, value_of(trace.log_size));
    Scalar sum = 0;
    for (std::size_t i = 0; i < 4; ++i)
        sum += Scalar(i == 3 ? -0.5 * all[i].sign : 0.5 * all[i].sign) * exp(all[i].log_size - Scalar(largest));
    // A pair of equal spins is 1 / sqrt 2, and what is summed out is a mean.
    return log(sum) + Scalar(largest + 1.5 * static_cast<double>(torus.columns) * std::numbers::ln2);
}

}  // namespace

std::unique_ptr<const ToroidalSum> ToroidalSum::if_fits(Sheet sheet) {
    const auto sites = static_cast<double>(sheet.rows * sheet.columns);
    const auto width = static_cast<double>(std::min(sheet.rows, sheet.columns));
    if (sites * width * width > most_work) return nullptr;
    if (sheet.columns > sheet.rows) sheet = sheet.turned();
    Sheet down = sheet.upside_down();
    sheet.make_positive_down();
    down.make_positive_down();
    return std::unique_ptr<const ToroidalSum>(new ToroidalSum(std::move(sheet), std::move(down)));
}

std::optional<double> ToroidalSum::log_z() const {
    std::call_once(log_z_known_, [this] {
        const double up = log_sum<double>(up_);
        log_z_ = agreed(up, log_sum<double>(down_), up);
    });
    return log_z_;
}

std::optional<double> ToroidalSum::entropy() const {
    std::call_once(entropy_known_, [this] { entropy_ = agreed_entropy(log_sum<Dual>(up_), log_sum<Dual>(down_)); });
    return entropy_;
}

}  // namespace free_fermions
