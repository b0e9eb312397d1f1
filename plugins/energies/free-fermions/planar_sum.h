// log Z and the entropy of planar Ising models and spin glasses without a field, of any size.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "factor-graph/whole_sum.h"
#include "sweep.h"

namespace free_fermions {

// f(s) = exp(sum over bonds weight * s_a s_b) over all spins s = +-1, summed by a line of spins that sweeps over the
// graph as a state of free fermions (SpinLine): width^2 operations a bond, and as many width^2 a site.
//
// The sum is taken twice, from either end, which rounds differently. Where the two differ by more than 1e-8 of log Z,
// at very low temperature, there is no answer. The entropy's derivative is carried along (factor_graph::Dual) and
// judged in the same way, by 1e-8 of log Z.
class PlanarSum final : public factor_graph::WholeSum {
public:
    static constexpr double most_work = 5e9;  // sites * width^2: a square lattice of 256x256

    // The sites by number, row by row of `columns`, or column by column: whichever has the narrower line. nullptr where
    // neither order does: the graph is not planar, or there is more work.
    static std::unique_ptr<const PlanarSum> if_fits(std::size_t sites, std::span<const Bond> bonds,
                                                    std::size_t columns);

    std::optional<double> log_z() const override;
    std::optional<double> entropy() const override;

private:
    PlanarSum(std::size_t sites, Sweep there, Sweep back)
        : sites_(sites), there_(std::move(there)), back_(std::move(back)) {}

    const std::size_t sites_;
    const Sweep there_, back_;
    mutable std::once_flag log_z_known_, entropy_known_;
    mutable std::optional<double> log_z_, entropy_;
};

}  // namespace free_fermions
