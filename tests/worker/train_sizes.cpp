// How many sites are known in the states that objectives train on.
#include <doctest/doctest.h>

#include <ATen/ATen.h>

#include "kernel/worker/model/trial_parts.h"
#include "plugins/objectives/any_order.h"

namespace train_sizes {

TEST_CASE("sizes of any power, weighted, have the means of uniform sizes") {
    constexpr std::int64_t sites = 50, rows = 200000;
    at::Generator generator = marginalia::make_generator(at::kCPU, 1, 3);
    const at::Tensor x = at::zeros({rows, sites}, at::kByte);
    for (const double power : {1.0, 2.0, 3.0}) {
        CAPTURE(power);
        const at::Tensor sizes = stratified_sizes(x, generator, power);
        CHECK(sizes.min().item<std::int64_t>() == 0);
        CHECK(sizes.max().item<std::int64_t>() == sites - 1);
        const at::Tensor weights = weights_of_sizes(sizes, sites, power).to(at::kDouble);
        const at::Tensor shares = at::zeros({sites}, at::kDouble).index_add(0, sizes.flatten(), weights.flatten());
        // Stratified, a size's share is off by one row at most.
        const double most = weights.max().item<double>();
        CHECK((shares - rows / static_cast<double>(sites)).abs().max().item<double>() < 2 * most);
        const double few = (sizes < 5).to(at::kDouble).mean().item<double>();
        CHECK(few == doctest::Approx(std::pow(0.1, 1 / power)).epsilon(1e-3));
    }
}

}  // namespace train_sizes
