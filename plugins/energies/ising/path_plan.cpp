#include "path_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace ising {
namespace {

using Heights = std::vector<std::int64_t>;  // of a path or frontier: its row in each column

constexpr double step_overhead = 32;   // entries that could be computed while a step is prepared
constexpr std::size_t most_tried = 8;  // paths with as many known sites

// Of the paths that begin in a row, one with the most known sites: dynamic programming over the columns.
class PathSearch {
public:
    PathSearch(const Torus& torus, marginalia::State x)
        : torus_(torus), x_(x), reach_(torus.ring ? torus.columns / 2 : torus.columns), width_(2 * reach_ + 1),
          known_(static_cast<std::size_t>(torus.columns * width_)), came_(known_.size()) {}

    // The number of known sites; path() gives it after that.
    std::int64_t from(std::int64_t row) {
        row_ = row;
        std::fill(known_.begin(), known_.end(), -1);
        known_[at(0, 0)] = is_known(0, 0);
        for (std::int64_t column = 1; column < torus_.columns; ++column)
            for (std::int64_t height = -reach_; height <= reach_; ++height) arrive(column, height);
        const std::int64_t most = torus_.ring ? std::min<std::int64_t>(1, reach_) : reach_, last = torus_.columns - 1;
        end_ = 0;
        for (std::int64_t height = -most; height <= most; ++height)
            if (known_[at(last, height)] > known_[at(last, end_)]) end_ = height;
        return known_[at(last, end_)];
    }

    Heights path() const {
        Heights heights(static_cast<std::size_t>(torus_.columns));
        std::int64_t height = end_;
        for (std::int64_t column = torus_.columns - 1; column >= 0; --column) {
            heights[static_cast<std::size_t>(column)] = row_ + height;
            height -= came_[at(column, height)];
        }
        return heights;
    }

private:
    std::size_t at(std::int64_t column, std::int64_t height) const {
        return static_cast<std::size_t>(column * width_ + height + reach_);
    }
    std::int32_t is_known(std::int64_t column, std::int64_t height) const {
        return x_[static_cast<std::size_t>(torus_.site(row_ + height, column))] < 2;
    }
    void arrive(std::int64_t column, std::int64_t height) {
        std::int32_t most = -1;
        for (const std::int64_t rise : {0, 1, -1}) {
            if (std::abs(height - rise) > reach_) continue;
            const std::int32_t before = known_[at(column - 1, height - rise)];
            if (before <= most) continue;
            most = before;
            came_[at(column, height)] = static_cast<std::int8_t>(rise);
        }
        if (most >= 0) known_[at(column, height)] = most + is_known(column, height);
    }

    const Torus& torus_;
    const marginalia::State x_;
    const std::int64_t reach_, width_;  // heights that a path may have, from its first
    std::vector<std::int32_t> known_;  // by column and height: known sites of the best path there; -1: none leads there
    std::vector<std::int8_t> came_;    // its last rise
    std::int64_t row_ = 0, end_ = 0;
};

// The frontier on its way around the torus.
class Frontier {
public:
    Frontier(const Torus& torus, marginalia::State x, Heights path)
        : torus_(torus), x_(x), path_(path), heights_(std::move(path)) {}

    PathPlan travel() {
        PathPlan plan;
        for (std::int64_t column = 0; column < torus_.columns; ++column)
            if (spin(column, 0) == Spin::on_path) plan.unknown_columns.push_back(static_cast<std::int32_t>(column));
        int axes = 0;
        for (std::int64_t column = next(); column >= 0; column = next()) {
            const Step step = step_in(column);
            const int leaving = step.before == Spin::unknown, joining = step.after == Spin::unknown;
            plan.work += step_overhead + std::exp2(axes + (joining && !leaving));
            axes += joining - leaving;
            plan.most_axes = std::max(plan.most_axes, axes);
            plan.steps.push_back(step);
            ++heights_[static_cast<std::size_t>(column)];
        }
        plan.work *= std::exp2(static_cast<double>(plan.unknown_columns.size()));
        return plan;
    }

private:
    std::int64_t height(std::int64_t column) const { return heights_[static_cast<std::size_t>(column)]; }
    std::int64_t gone(std::int64_t column) const { return height(column) - path_[static_cast<std::size_t>(column)]; }

    // Of the site `ahead` of the frontier in a column.
    Spin spin(std::int64_t column, std::int64_t ahead) const {
        const std::uint8_t symbol = x_[static_cast<std::size_t>(torus_.site(height(column) + ahead, column))];
        if (symbol < 2) return symbol == 1 ? Spin::up : Spin::down;
        const std::int64_t there = gone(column) + ahead;
        return there == 0 || there == torus_.rows ? Spin::on_path : Spin::unknown;
    }

    std::int64_t left_of(std::int64_t column) const {
        return column > 0 ? column - 1 : torus_.ring ? torus_.columns - 1 : -1;
    }
    std::int64_t right_of(std::int64_t column) const {
        return column + 1 < torus_.columns ? column + 1 : torus_.ring ? 0 : -1;
    }
    bool lets_pass(std::int64_t neighbour, std::int64_t column) const {
        return neighbour < 0 || height(neighbour) >= height(column);
    }
    Spin beside(std::int64_t neighbour, std::int64_t column) const {
        return neighbour >= 0 && height(neighbour) == height(column) + 1 ? spin(neighbour, 0) : Spin::absent;
    }

    Step step_in(std::int64_t column) const {
        return {static_cast<std::int32_t>(column), spin(column, 0), spin(column, 1), beside(left_of(column), column),
                beside(right_of(column), column)};
    }

    // The column to move on in: one where an unknown spin goes before one where none comes or goes, and such a one
    // before one where one comes; -1: all have arrived.
    std::int64_t next() const {
        std::int64_t best = -1, least = 0;
        for (std::int64_t column = 0; column < torus_.columns; ++column) {
            if (gone(column) == torus_.rows || !lets_pass(left_of(column), column) ||
                !lets_pass(right_of(column), column))
                continue;
            const int grows = (spin(column, 1) == Spin::unknown) - (spin(column, 0) == Spin::unknown);
            const std::int64_t cost = grows * (torus_.rows + 1) + gone(column);
            if (best < 0 || cost < least) best = column, least = cost;
        }
        return best;
    }

    const Torus& torus_;
    const marginalia::State x_;
    const Heights path_;
    Heights heights_;
};

}  // namespace

PathPlan plan_path(const Torus& torus, marginalia::State x) {
    PathSearch search(torus, x);
    std::int64_t most = -1;
    std::vector<std::int64_t> rows;  // in which the paths with the most known sites begin
    for (std::int64_t row = 0; row < torus.rows; ++row) {
        const std::int64_t known = search.from(row);
        if (known > most) rows.clear();
        most = std::max(most, known);
        if (known == most && rows.size() < most_tried) rows.push_back(row);
    }
    PathPlan best;
    for (const std::int64_t row : rows) {
        search.from(row);
        PathPlan plan = Frontier(torus, x, search.path()).travel();
        if (best.steps.empty() || plan.work < best.work) best = std::move(plan);
    }
    return best;
}

}  // namespace ising
