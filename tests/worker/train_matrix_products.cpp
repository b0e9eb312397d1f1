// Products of float32 matrices, whichever library computes them here.
#include <doctest/doctest.h>

#include <cstdio>
#include <vector>

#include <ATen/ATen.h>

#include "kernel/worker/machine/matrix_products.h"
#include "kernel/worker/model/trial_parts.h"

using namespace marginalia;

namespace {

struct Shape {
    std::int64_t rows, inner, columns;
};

// On both sides of what counts as large, and with dimensions of no multiple of a vector's width.
constexpr Shape shapes[] = {{128, 128, 128}, {131, 257, 67}, {4, 1024, 1024}, {3, 1024, 1024}, {1, 2000, 1100},
                            {2048, 5, 511},  {5, 3, 2},      {0, 4, 5},       {5, 0, 4}};

// The same numbers in the layouts that forward and backward passes ask for.
std::vector<at::Tensor> layouts(const at::Tensor& a) {
    const at::Tensor wide = at::cat({a, a}, 1);
    return {a, a.t().contiguous().t(), wide.slice(1, 0, a.size(1))};
}

void check_close(const at::Tensor& got, const at::Tensor& expected) {
    CHECK(got.sizes() == expected.sizes());
    CHECK((got.scalar_type() == at::kFloat));
    if (expected.numel() == 0) return;
    const double error = (got.to(at::kDouble) - expected).abs().max().item<double>();
    CHECK(error < 1e-5 * (1 + expected.abs().max().item<double>()));
}

}  // namespace

TEST_CASE("products and their gradients are those of float64") {
    std::printf("products of matrices by %s\n",
                use_fast_matrix_products() ? "oneDNN" : "LibTorch's choice, as on this processor oneDNN gains nothing");
    at::Generator generator = make_generator(at::kCPU, 7, 1);
    for (const Shape& shape : shapes) {
        CAPTURE(shape.rows);
        CAPTURE(shape.inner);
        CAPTURE(shape.columns);
        const at::Tensor a = at::randn({shape.rows, shape.inner}, generator);
        const at::Tensor b = at::randn({shape.inner, shape.columns}, generator);
        const at::Tensor bias = at::randn({shape.columns}, generator);
        const at::Tensor expected = at::mm(a.to(at::kDouble), b.to(at::kDouble));
        for (const at::Tensor& left : layouts(a))
            for (const at::Tensor& right : layouts(b)) {
                check_close(at::mm(left, right), expected);
                check_close(at::addmm(bias, left, right), expected + bias);
                check_close(at::addmm(bias, left, right, 0.5, 2), 2 * expected + 0.5 * bias);
                check_close(at::addmm(expected.to(at::kFloat), left, right), 2 * expected);
            }
        const at::Tensor w = b.t().contiguous().requires_grad_(), x = a.clone().requires_grad_();
        const at::Tensor c = bias.clone().requires_grad_(), g = at::randn({shape.rows, shape.columns}, generator);
        at::linear(x, w, c).backward(g);
        check_close(x.grad(), at::mm(g.to(at::kDouble), b.to(at::kDouble).t()));
        check_close(w.grad(), at::mm(g.to(at::kDouble).t(), a.to(at::kDouble)));
        check_close(c.grad(), g.to(at::kDouble).sum(0));
    }
}

TEST_CASE("products refuse what they refused") {
    use_fast_matrix_products();
    const at::Tensor a = at::ones({200, 200}), b = at::ones({300, 300});
    CHECK_THROWS_WITH(at::mm(a, b), doctest::Contains("cannot be multiplied"));
    CHECK_THROWS_WITH(at::addmm(at::ones({7}), a, a), doctest::Contains("must match the existing size"));
    CHECK_THROWS_WITH(at::mm(a, a.to(at::kDouble)), doctest::Contains("dtype"));
}
