// log Z and the entropy of Ising tori and spin glasses on them without a field, of any size.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "factor-graph/whole_sum.h"
#include "sheet.h"

namespace free_fermions {

// Z is the trace of the product of all rows' operators. In the space of even or of odd functions of a row, by its spin
// flip P, the bond that closes a row is one of free fermions, up to a sign, so that Z is half a sum of four traces,
//   tr V+ + tr P V+ + tr V- - tr P V-,
// each a sum over two rows (SpinLine), at most one of them below 0 (B. Kaufman, Phys. Rev. 76, 1232 (1949), without
// translations). (2 columns)^2 operations a bond.
//
// The sum is taken upwards and downwards. Where the two differ by more than 1e-8 of log Z, there is no answer; so for
// the entropy, whose derivative is carried along.
class ToroidalSum final : public factor_graph::WholeSum {
public:
    static constexpr double most_work = 0x1p28;  // sites * width^2: 128x128

    // nullptr where there is more.
    static std::unique_ptr<const ToroidalSum> if_fits(Sheet sheet);

    std::optional<double> log_z() const override;
    std::optional<double> entropy() const override;

private:
    ToroidalSum(Sheet up, Sheet down) : up_(std::move(up)), down_(std::move(down)) {}

    const Sheet up_, down_;
    mutable std::once_flag log_z_known_, entropy_known_;
    mutable std::optional<double> log_z_, entropy_;
};

}  // namespace free_fermions
