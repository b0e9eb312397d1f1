#include "row_sampler.h"

#include <algorithm>
#include <cmath>

#include "spin_line.h"
#include "transition.h"

namespace free_fermions {
namespace {

using Line = SpinLine<double>;

void pass_across(Line& line, const Sheet& sheet, std::size_t row) {
    for (std::size_t column = 0; column < sheet.columns; ++column) {
        const double weight = sheet.across[row * sheet.columns + column];
        const bool last = column + 1 == sheet.columns;
        if (weight != 0) line.apply(Line::bond(column, last ? 0 : column + 1, weight, last));
    }
    line.straighten();
}

void pass_down(Line& line, const Sheet& sheet, std::size_t row) {
    for (std::size_t column = 0; column < sheet.columns; ++column)
        line.apply(Line::successor(column, sheet.down[row * sheet.columns + column]));
    line.straighten();
}

}  // namespace

RowSampler::RowSampler(Sheet sheet) : sheet_(std::move(sheet)), turned_(sheet_.make_positive_down()) {
    Line line(sheet_.columns);
    for (std::size_t row = 0; row < sheet_.rows; ++row) {
        above_.push_back(line.means());
        pass_across(line, sheet_, row);
        if (row + 1 < sheet_.rows) pass_down(line, sheet_, row);
    }
}

RowSampler::Draw RowSampler::draw(marginalia::FastRandom& random) const {
    const std::size_t width = sheet_.columns;
    Draw draw{std::vector<double>(sheet_.rows * width), 0};
    for (std::size_t row = sheet_.rows; row-- > 0;) {
        const std::span<double> spins = std::span(draw.spins).subspan(row * width, width);
        const bool lowest = row + 1 == sheet_.rows;
        Line own(width);
        if (!lowest) {
            own.know(std::span(draw.spins).subspan((row + 1) * width, width));
            pass_down(own, sheet_, row);
        }
        pass_across(own, sheet_, row);
        Transition transition(own.means(), width);
        transition.restart(above_[row]);
        spins[0] = 1;
        for (std::size_t place = 1; place < width; ++place) {
            const bool equal = random.uniform() < 0.5 * (1 + transition.mean(place - 1, place));
            draw.log_p += std::log(transition.apply(place - 1, place, equal, !equal));
            spins[place] = equal ? spins[place - 1] : -spins[place - 1];
        }
        double pull = 0;  // log of the odds against the turned row
        for (std::size_t place = 0; place < width && !lowest; ++place)
            pull += 2 * sheet_.down[row * width + place] * spins[place] * spins[place + width];
        if (random.uniform() * (1 + std::exp(-pull)) >= 1) {
            pull = -pull;
            for (double& spin : spins) spin = -spin;
        }
        draw.log_p -= std::log1p(std::exp(-pull));
    }
    for (std::size_t site = 0; site < turned_.size(); ++site) draw.spins[site] *= turned_[site];
    return draw;
}

}  // namespace free_fermions
