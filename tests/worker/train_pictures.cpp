// Figures of drawn pictures, by hand.
#include <doctest/doctest.h>

#include <ATen/ATen.h>

#include <cmath>

#include "kernel/worker/evaluate/digit_features.h"
#include "kernel/worker/evaluate/picture_statistics.h"
#include "kernel/worker/evaluate/statistics.h"

namespace train_pictures {

using namespace marginalia;

namespace {

// Rows whose mean is m and whose covariance is L L'.
at::Tensor rows_of(const std::vector<double>& m, const std::vector<double>& l) {
    const at::Tensor corners =
        at::tensor({1., 1., 1., -1., -1., 1., -1., -1.}, at::kDouble).view({4, 2}) * std::sqrt(0.75);
    return corners.mm(at::tensor(l, at::kDouble).view({2, 2}).t()) + at::tensor(m, at::kDouble);
}

// A picture with these rows and columns of ones.
at::Tensor bar(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) {
    at::Tensor picture = at::zeros({28, 28}, at::kLong);
    picture.slice(0, top, bottom).slice(1, left, right).fill_(1);
    return picture.view({1, 784});
}

}  // namespace

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

TEST_CASE("Fréchet distance: of normal distributions as known, also where covariances do not commute") {
    const at::Tensor a = rows_of({1, 2}, {2, 0, 1, 1}), b = rows_of({0, 4}, {1, 0, -1, 3});
    CHECK(std::abs(frechet_distance(a, a)) < 1e-9);
    CHECK(frechet_distance(a, a + 3) == doctest::Approx(18));
    CHECK(frechet_distance(a, 3 * a - 2 * a.mean(0)) == doctest::Approx(4 * 6));  // (3 - 1)² times the trace
    // The trace of a root of a matrix of 2 x 2 is (trace + 2 det^1/2)^1/2. C_a = (4 2; 2 2), C_b = (1 -1; -1 10).
    CHECK(frechet_distance(a, b) == doctest::Approx(1 + 4 + 6 + 11 - 2 * std::sqrt(20 + 2 * std::sqrt(4. * 9))));
    CHECK(frechet_distance(b, a) == doctest::Approx(frechet_distance(a, b)));
}

TEST_CASE("features of digits: those of bench/digit_features.py's network, for pictures of its size and symbols") {
    CHECK(has_digits({784, 2, {{28, 28}, false}}));
    CHECK_FALSE(has_digits({784, 4, {{28, 28}, false}}));
    CHECK_FALSE(has_digits({784, 2, {{784}, false}}));
    const at::Tensor features = digit_features(at::cat({bar(4, 24, 13, 15), bar(0, 28, 0, 28)}));
    CHECK(features.sizes() == at::IntArrayRef{2, 64});
    // By PyTorch, from the file.
    CHECK(features[0][0].item<double>() == doctest::Approx(0.99866).epsilon(1e-4));
    CHECK(features[0][63].item<double>() == doctest::Approx(0.01880).epsilon(1e-4));
    CHECK(features[1][0].item<double>() == doctest::Approx(2.09541).epsilon(1e-4));
}

}  // namespace train_pictures
