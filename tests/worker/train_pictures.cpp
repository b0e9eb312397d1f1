// Figures of drawn pictures, by hand.
#include <doctest/doctest.h>

#include <ATen/ATen.h>

#include "kernel/worker/evaluate/picture_statistics.h"

namespace train_pictures {

using namespace marginalia;

TEST_CASE("pixel distance: the shares of symbols at each site") {
    const at::Tensor a = at::tensor({0, 0, 1, 1, 0, 2, 1, 1}, at::kLong).view({2, 4}),
                     b = at::tensor({0, 0, 1, 2}, at::kLong).view({1, 4});
    CHECK(pixel_distance(a, a, 3) == 0);
    // Sites one and three agree; of site two half of the rows differ, and all of site four.
    CHECK(pixel_distance(a, b, 3) == doctest::Approx((0 + 0.5 + 0 + 1) / 4));
    CHECK(pixel_distance(b, a, 3) == pixel_distance(a, b, 3));
}

TEST_CASE("pair distance: neighbours to the right and below, within a channel") {
    const Domain grey{4, 2, {{2, 2}, false}};
    const at::Tensor stripes = at::tensor({0, 1, 0, 1}, at::kLong).view({1, 4}),
                     board = at::tensor({0, 1, 1, 0}, at::kLong).view({1, 4});
    CHECK(pair_distance(stripes, stripes, grey) == 0);
    // Stripes: 01 twice to the right, 00 and 11 below. The board: 01 and 10, 01 and 10.
    CHECK(pair_distance(stripes, board, grey) == doctest::Approx(0.5));
    const Domain colour{12, 2, {{2, 2, 3}, false}};
    const auto in_colour = [](const at::Tensor& x) {  // red as it was, the others 0
        return at::stack({x, at::zeros_like(x), at::zeros_like(x)}, 2).flatten(1);
    };
    CHECK(pair_distance(in_colour(stripes), in_colour(board), colour) == doctest::Approx(0.5 / 3));
    CHECK(has_pixels(colour.layout));
    CHECK_FALSE(has_pixels({{2, 2, 4}, false}));
    CHECK_FALSE(has_pixels({{4}, false}));
}

}  // namespace train_pictures
