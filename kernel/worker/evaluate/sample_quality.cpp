#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <ATen/ATen.h>
#include <marginalia/real_sites.h>

#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/reference.h"
#include "kernel/worker/evaluate/sinkhorn.h"

namespace marginalia {

namespace {

constexpr std::int64_t most_points = 1000;  // of each cloud of a transport

std::int64_t equal_bytes(const std::uint8_t* a, const std::uint8_t* b, std::int64_t count) {
    std::int64_t equal = 0;
    for (std::int64_t i = 0; i < count; ++i) equal += a[i] == b[i];
    return equal;
}

// States as bytes, for the pairs of sites at every distance: half as many distances as an extent has sites.
class PairedStates {
public:
    PairedStates(const at::Tensor& x, const TrialParts& parts)
        : bytes_(x.to(at::kByte).contiguous()), layout_(parts.domain.layout) {
        // The chance that two independent sites with the rows' own frequencies of symbols agree.
        chance_ = at::bincount(x.flatten(), {}, parts.domain.categories)
                      .to(at::kDouble)
                      .div(static_cast<double>(x.numel()))
                      .square()
                      .sum()
                      .item<double>();
    }

    double chance() const { return chance_; }

    Spread correlation(std::int64_t distance, std::int64_t chains) const {
        Spread spread = spread_of(agreement(distance), chains);
        spread.mean -= chance_;
        return spread;
    }

private:
    // Of each row: the fraction of pairs of sites `distance` apart along an axis of the layout that agree, (M) float64.
    at::Tensor agreement(std::int64_t distance) const {
        at::Tensor sum = at::zeros({bytes_.size(0)}, at::kDouble);
        std::int64_t axes = 0, below = bytes_.size(1);  // sites that share their place along this and earlier axes
        for (const std::int64_t extent : layout_.shape) {
            below /= extent;
            if (2 * distance > extent) continue;
            sum += agreement_along(extent, below, distance);
            ++axes;
        }
        return sum / static_cast<double>(axes);
    }

    at::Tensor agreement_along(std::int64_t extent, std::int64_t below, std::int64_t distance) const {
        const std::int64_t sites = bytes_.size(1), block = extent * below, shift = distance * below;
        const std::int64_t kept = layout_.periodic ? block : block - shift;
        const double pairs = static_cast<double>(sites / block * kept);
        at::Tensor share = at::empty({bytes_.size(0)}, at::kDouble);
        const std::uint8_t* from = bytes_.const_data_ptr<std::uint8_t>();
        for (std::int64_t row = 0; row < bytes_.size(0); ++row) {
            std::int64_t equal = 0;
            for (const std::uint8_t* end = from + sites; from < end; from += block) {
                equal += equal_bytes(from, from + shift, block - shift);
                if (layout_.periodic) equal += equal_bytes(from + block - shift, from, shift);
            }
            share.mutable_data_ptr<double>()[row] = static_cast<double>(equal) / pairs;
        }
        return share;
    }

    const at::Tensor bytes_;  // (M, D)
    const Layout layout_;
    double chance_;
};

std::int64_t reach(const TrialParts& parts) {
    const auto& shape = parts.domain.layout.shape;
    return *std::max_element(shape.begin(), shape.end()) / 2;
}

// What the pair correlations of two sets of states differ by, distance by distance.
class CorrelationErrors {
public:
    CorrelationErrors(const PairedStates& first, const PairedStates& second, std::int64_t categories)
        : chance_(first.chance() - second.chance()), scale_(categories == 2 ? 2 : 1) {}

    void add(double first, double second) {  // connected
        squares_ += (first - second) * (first - second);
        two_point_ += scale_ * std::abs(first - second + chance_);
        ++count_;
    }

    // `ending`: of the names. Nothing where there is no distance.
    void put(const std::string& ending, Figures& figures) const {
        if (count_ == 0) return;
        figures["pair_correlation_rmse" + ending] = std::sqrt(squares_ / count_);
        figures["two_point_error" + ending] = two_point_ / count_;
    }

private:
    const double chance_, scale_;  // of spins ±1 <s s'> is twice the agreement less 1
    double squares_ = 0, two_point_ = 0, count_ = 0;
};

void add_energy_floor(const at::Tensor& log_f, Figures& figures) {
    const std::int64_t half = log_f.size(0) / 2;
    if (half > 0)
        figures["energy_distance_floor"] = wasserstein(log_f.slice(0, 0, half), log_f.slice(0, half, 2 * half));
}

// What two sets of true states differ by.
void add_floors(const TrialParts& parts, const at::Tensor& reference, const at::Tensor& log_f, Figures& figures) {
    const std::int64_t half = reference.size(0) / 2;
    if (half < 2) return;
    const PairedStates first(reference.slice(0, 0, half), parts), second(reference.slice(0, half, 2 * half), parts);
    add_energy_floor(log_f, figures);
    CorrelationErrors errors(first, second, parts.domain.categories);
    for (std::int64_t r = 1; r <= reach(parts); ++r)
        errors.add(first.correlation(r, 0).mean, second.correlation(r, 0).mean);
    errors.put("_floor", figures);
}

// Distances of the means of the energy's observables, states left out that do not have the quantity.
void add_observable_errors(const TrialParts& parts, const at::Tensor& drawn, const Reference& reference,
                           Figures& figures) {
    const auto of_target = observe_rows(parts, reference.x);
    for (const auto& [name, all] : observe_rows(parts, drawn)) {
        const at::Tensor own = all.index({all.isfinite()}), target = of_target.at(name);
        if (own.numel() == 0 || !target.isfinite().all().item<bool>()) continue;
        const Spread model = spread_of(own), expected = spread_of(target, reference.chains);
        figures["observable_error." + name] = std::abs(model.mean - expected.mean);
        figures["observable_error." + name + "_stderr"] = std::hypot(model.error, expected.error);
    }
}

// The points that states stand for: (M, J) float64, undefined where they stand for none.
at::Tensor points_of(const Energy& energy, const at::Tensor& x) {
    const SplitStates split = split_states(x);
    std::vector<at::Tensor> points;
    for (std::size_t row = 0; row < split.rows().size(); ++row) {
        const std::vector<double> point = energy.point(split.rows()[row], split.reals_of(row));
        if (point.empty()) return {};
        points.push_back(at::tensor(point, at::kDouble));
    }
    return at::stack(points);
}

// The transport from the model's states to reference states, and between two sets of these of the same number.
void add_sinkhorn(const Energy& energy, const at::Tensor& drawn, const at::Tensor& reference, const Tick& tick,
                  Figures& figures) {
    const std::int64_t count = std::min({most_points, drawn.size(0), reference.size(0) / 2});
    if (count < 1) return;
    const at::Tensor target = points_of(energy, reference.slice(0, 0, 2 * count));
    if (!target.defined()) return;
    const at::Tensor own = points_of(energy, drawn.slice(0, 0, count));
    figures["sinkhorn"] = sinkhorn_distance(own, target.slice(0, 0, count), tick);
    figures["sinkhorn_floor"] = sinkhorn_distance(target.slice(0, count), target.slice(0, 0, count), tick);
}

}  // namespace

Figures evaluate_quality(const TrialParts& parts, const at::Tensor& drawn, const Reference& reference, Curves& curves,
                         const Tick& tick) {
    Figures figures;
    add_observable_errors(parts, drawn, reference, figures);
    add_sinkhorn(*parts.energy, drawn.cpu(), reference.x, tick, figures);
    const at::Tensor log_f = log_f_of(parts, drawn), log_f_reference = log_f_of(parts, reference.x);
    if (!log_f.isfinite().all().item<bool>() || !log_f_reference.isfinite().all().item<bool>()) return figures;
    figures["energy_distance"] = wasserstein(log_f, log_f_reference);
    if (!parts.domain.site_categories.empty()) {  // no symbols to agree
        add_energy_floor(log_f_reference, figures);
        return figures;
    }
    const PairedStates of_model(drawn, parts), of_target(reference.x, parts);
    CorrelationErrors errors(of_model, of_target, parts.domain.categories);
    for (std::int64_t r = 1; r <= reach(parts); ++r) {
        const Spread own = of_model.correlation(r, 0), target = of_target.correlation(r, reference.chains);
        curves["pair_correlation"][r] = own.mean;
        curves["pair_correlation_stderr"][r] = own.error;
        curves["pair_correlation_reference"][r] = target.mean;
        curves["pair_correlation_reference_stderr"][r] = target.error;
        errors.add(own.mean, target.mean);
    }
    errors.put("", figures);
    add_floors(parts, reference.x, log_f_reference, figures);
    return figures;
}

}  // namespace marginalia
