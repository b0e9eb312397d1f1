#include "spin_sum.h"

#include <algorithm>
#include <cmath>

#include "planar_sum.h"
#include "row_sampler.h"
#include "toroidal_sum.h"

namespace free_fermions {
namespace {

class PlanarSheet final : public factor_graph::WholeSum {
public:
    PlanarSheet(std::unique_ptr<const PlanarSum> sum, Sheet sheet) : sum_(std::move(sum)), sheet_(std::move(sheet)) {}

    std::optional<double> log_z() const override { return sum_->log_z(); }
    std::optional<double> entropy() const override { return sum_->entropy(); }

    std::optional<std::vector<std::uint8_t>> samples(std::size_t count, std::uint64_t seed) const override {
        const bool turn = sheet_.columns > sheet_.rows && !sheet_.closes_across();
        const Sheet sheet = turn ? sheet_.turned() : sheet_;
        const auto width = static_cast<double>(sheet.columns), sites = static_cast<double>(sheet.down.size());
        const auto log_z =
            static_cast<double>(count) * sites * width * width > most_work ? std::nullopt : sum_->log_z();
        if (!log_z) return std::nullopt;
        const RowSampler sampler(sheet);
        std::vector<std::uint8_t> rows(count * sheet.down.size());
        for (std::size_t state = 0; state < count; ++state) {
            marginalia::FastRandom random(seed, state);
            const RowSampler::Draw draw = sampler.draw(random);
            if (!(std::abs(draw.log_p - (sheet.log_f(draw.spins) - *log_z)) < most_astray)) return std::nullopt;
            for (std::size_t site = 0; site < draw.spins.size(); ++site) {
                const std::size_t row = site / sheet.columns, column = site % sheet.columns;
                rows[state * draw.spins.size() + (turn ? column * sheet.rows + row : site)] = draw.spins[site] > 0;
            }
        }
        return rows;
    }

private:
    static constexpr double most_work = 0x1p36;  // count * sites * width^2
    static constexpr double most_astray = 1e-3;  // of a state's log-probability

    const std::unique_ptr<const PlanarSum> sum_;
    const Sheet sheet_;
};

}  // namespace

std::unique_ptr<const factor_graph::WholeSum> spin_sum(std::size_t rows, std::size_t columns,
                                                       std::span<const Bond> bonds) {
    auto planar = PlanarSum::if_fits(rows * columns, bonds, columns);
    auto sheet = Sheet::of(rows, columns, bonds);
    if (!sheet) return planar;
    if (!planar) return ToroidalSum::if_fits(std::move(*sheet));
    if (sheet->closes_down()) return planar;
    return std::make_unique<const PlanarSheet>(std::move(planar), std::move(*sheet));
}

}  // namespace free_fermions
