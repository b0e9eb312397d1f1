#include "table.h"

#include <algorithm>
#include <cmath>

namespace factor_graph {
namespace {

// exp(-600) is far from the smallest double, so products of tables with this spread in all lose nothing.
constexpr double widest = 600;

// Entries of a run, over the fastest axes, in which every table lies contiguously.
constexpr std::size_t longest_run = 256;

std::size_t size_of(std::span<const std::uint32_t> scope, Cardinalities cardinalities) {
    std::size_t size = 1;
    for (const std::uint32_t variable : scope) size *= cardinalities[variable];
    return size;
}

// The step in a table's entries for each variable of `scope`, 0 for those that the table does not have.
std::vector<std::size_t> strides(const std::vector<std::uint32_t>& of, std::span<const std::uint32_t> scope,
                                 Cardinalities cardinalities) {
    std::vector<std::size_t> steps(scope.size(), 0);
    std::size_t step = 1, axis = scope.size();
    for (std::size_t i = of.size(); i-- > 0; step *= cardinalities[of[i]]) {
        while (axis > 0 && scope[axis - 1] > of[i]) --axis;
        if (axis > 0 && scope[axis - 1] == of[i]) steps[axis - 1] = step;
    }
    return steps;
}

// Visits all values of the variables in order, with the offset of each in a table of the given strides.
template <class Visit>
void for_each_offset(std::span<const std::uint32_t> scope, Cardinalities cardinalities,
                     const std::vector<std::size_t>& steps, Visit visit) {
    std::vector<std::uint32_t> value(scope.size(), 0);
    std::size_t offset = 0;
    while (true) {
        visit(offset);
        std::size_t axis = scope.size();
        while (axis-- > 0) {
            offset += steps[axis];
            if (++value[axis] < cardinalities[scope[axis]]) break;
            offset -= steps[axis] * cardinalities[scope[axis]];
            value[axis] = 0;
        }
        if (axis == static_cast<std::size_t>(-1)) return;
    }
}

std::vector<double> spread_over(const std::vector<double>& entries, const std::vector<std::uint32_t>& of,
                                std::span<const std::uint32_t> scope, Cardinalities cardinalities) {
    std::vector<double> wide;
    wide.reserve(size_of(scope, cardinalities));
    for_each_offset(scope, cardinalities, strides(of, scope, cardinalities),
                    [&](std::size_t offset) { wide.push_back(entries[offset]); });
    return wide;
}

// One factor of a product, with the run's axes made complete.
class Operand {
public:
    Operand(const Table& table, std::span<const std::uint32_t> whole, std::size_t run_axes, bool logs, bool means,
            Cardinalities cardinalities) {
        const auto run = whole.last(run_axes);
        std::vector<std::uint32_t> scope;
        std::set_union(table.scope.begin(), table.scope.end(), run.begin(), run.end(), std::back_inserter(scope));
        const bool same = scope == table.scope;
        if (!same || (logs && !table.logs)) {
            own_values_ = same ? table.values : spread_over(table.values, table.scope, scope, cardinalities);
            if (logs && !table.logs)
                for (double& value : own_values_) value = std::log(value);
        }
        if (means && !same) own_means_ = spread_over(table.means, table.scope, scope, cardinalities);
        values_ = own_values_.empty() ? table.values.data() : own_values_.data();
        means_ = own_means_.empty() ? table.means.data() : own_means_.data();
        steps_ = strides(scope, whole.first(whole.size() - run_axes), cardinalities);
    }

    const double* values() const { return values_ + offset_; }
    const double* means() const { return means_ + offset_; }
    void move(std::size_t axis, std::ptrdiff_t by) { offset_ += by * static_cast<std::ptrdiff_t>(steps_[axis]); }

private:
    std::vector<double> own_values_, own_means_;
    const double* values_;
    const double* means_;
    std::vector<std::size_t> steps_;  // of the axes before the run
    std::ptrdiff_t offset_ = 0;
};

void add(const double* term, std::size_t size, double* sum) {
    for (std::size_t i = 0; i < size; ++i) sum[i] += term[i];
}

void multiply(const double* factor, std::size_t size, double* product) {
    for (std::size_t i = 0; i < size; ++i) product[i] *= factor[i];
}

// The sums of one run after another.
class Summer {
public:
    Summer(std::size_t run, std::size_t terms, bool logs, bool means)
        : run_(run), terms_(terms), logs_(logs), means_(means), product_(run * terms), mean_(means ? run * terms : 0) {}

    // The product of the operands for value `term` of the variable that is summed out.
    void set(std::size_t term, std::span<const Operand> operands) {
        double* product = product_.data() + term * run_;
        std::copy_n(operands[0].values(), run_, product);
        for (const Operand& operand : operands.subspan(1))
            logs_ ? add(operand.values(), run_, product) : multiply(operand.values(), run_, product);
        if (!means_) return;
        double* mean = mean_.data() + term * run_;
        std::copy_n(operands[0].means(), run_, mean);
        for (const Operand& operand : operands.subspan(1)) add(operand.means(), run_, mean);
    }

    void finish(double* values, double* means) {
        if (logs_) to_weights(values);
        std::vector<double>& total = total_;
        total.assign(run_, 0);
        for (std::size_t term = 0; term < terms_; ++term) add(product_.data() + term * run_, run_, total.data());
        if (means_) {
            std::fill_n(means, run_, 0.0);
            for (std::size_t term = 0; term < terms_; ++term)
                for (std::size_t i = 0; i < run_; ++i) means[i] += product_[term * run_ + i] * mean_[term * run_ + i];
            for (std::size_t i = 0; i < run_; ++i) means[i] = total[i] > 0 ? means[i] / total[i] : 0;
        }
        for (std::size_t i = 0; i < run_; ++i) values[i] = logs_ ? values[i] + std::log(total[i]) : total[i];
    }

private:
    // Logarithms become weights relative to the largest of each entry's terms, which goes to `largest`.
    void to_weights(double* largest) {
        std::copy_n(product_.data(), run_, largest);
        for (std::size_t term = 1; term < terms_; ++term)
            for (std::size_t i = 0; i < run_; ++i) largest[i] = std::max(largest[i], product_[term * run_ + i]);
        for (std::size_t term = 0; term < terms_; ++term) {
            for (std::size_t i = 0; i < run_; ++i) {
                double& weight = product_[term * run_ + i];
                weight = weight == -HUGE_VAL ? 0 : weight == largest[i] ? 1 : std::exp(weight - largest[i]);
            }
        }
    }

    const std::size_t run_, terms_;
    const bool logs_, means_;
    std::vector<double> product_, mean_, total_;
};

// Scales the values and finds their spread; logarithms become plain numbers where that loses nothing.
void normalise(Table& table) {
    double largest = table.logs ? -HUGE_VAL : 0, smallest = HUGE_VAL;
    for (const double value : table.values) {
        largest = std::max(largest, value);
        if (value > (table.logs ? -HUGE_VAL : 0)) smallest = std::min(smallest, value);
    }
    if (smallest == HUGE_VAL) {
        table.log_scale = -HUGE_VAL;
        return;
    }
    if (!table.logs) {
        table.spread = std::log(largest / smallest);
        table.log_scale += std::log(largest);
        const double factor = 1 / largest;
        for (double& value : table.values) value *= factor;
        return;
    }
    table.spread = largest - smallest;
    table.log_scale += largest;
    table.logs = table.spread > widest;
    for (double& value : table.values) value = table.logs ? value - largest : std::exp(value - largest);
}

}  // namespace

Table table_of_logs(std::vector<std::uint32_t> scope, std::vector<double> logs, bool means) {
    Table table;
    table.scope = std::move(scope);
    if (means) {
        table.means = logs;
        for (double& mean : table.means)
            if (mean == -HUGE_VAL) mean = 0;  // has no weight
    }
    table.values = std::move(logs);
    table.logs = true;
    normalise(table);
    return table;
}

Table sum_out_first(std::span<const Table> tables, Cardinalities cardinalities, bool means) {
    Table sum;
    std::vector<std::uint32_t> whole, joined;
    double spread = 0;
    for (const Table& table : tables) {
        joined.clear();
        std::set_union(whole.begin(), whole.end(), table.scope.begin(), table.scope.end(), std::back_inserter(joined));
        whole.swap(joined);
        spread += table.spread;
        sum.log_scale += table.log_scale;
    }
    sum.logs = spread > widest;
    sum.scope.assign(whole.begin() + 1, whole.end());
    const std::size_t terms = cardinalities[whole[0]];
    std::size_t run = 1, run_axes = 0;
    while (run_axes < sum.scope.size()) {
        const std::size_t longer = run * cardinalities[whole[whole.size() - 1 - run_axes]];
        if (longer > longest_run) break;
        run = longer;
        ++run_axes;
    }
    std::vector<Operand> operands;
    operands.reserve(tables.size());
    for (const Table& table : tables) operands.emplace_back(table, whole, run_axes, sum.logs, means, cardinalities);

    sum.values.resize(size_of(sum.scope, cardinalities));
    sum.means.resize(means ? sum.values.size() : 0);
    Summer summer(run, terms, sum.logs, means);
    const std::size_t outer_axes = whole.size() - run_axes;
    std::vector<std::uint32_t> value(outer_axes, 0);
    for (std::size_t at = 0; at < sum.values.size(); at += run) {
        for (std::size_t term = 0; term < terms; ++term) {
            summer.set(term, operands);
            for (Operand& operand : operands) operand.move(0, 1);
        }
        for (Operand& operand : operands) operand.move(0, -static_cast<std::ptrdiff_t>(terms));
        summer.finish(sum.values.data() + at, means ? sum.means.data() + at : nullptr);
        for (std::size_t axis = outer_axes; axis-- > 1;) {
            for (Operand& operand : operands) operand.move(axis, 1);
            if (++value[axis] < cardinalities[whole[axis]]) break;
            for (Operand& operand : operands)
                operand.move(axis, -static_cast<std::ptrdiff_t>(cardinalities[whole[axis]]));
            value[axis] = 0;
        }
    }
    normalise(sum);
    return sum;
}

}  // namespace factor_graph
