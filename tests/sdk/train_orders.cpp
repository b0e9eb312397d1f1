#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <marginalia/orders.h>

#include "kernel/worker/model/trial_parts.h"

using namespace marginalia;

TEST_CASE("random orders are permutations and every site comes first equally often") {
    at::Generator generator = make_generator(at::kCPU, 0, 0);
    const at::Tensor order = random_orders(6000, 6, generator, at::kCPU);
    CHECK(at::equal(std::get<0>(order.sort(1)), at::arange(6).expand({6000, 6})));
    const at::Tensor counts = order.select(1, 0).bincount({}, 6).to(at::kDouble);
    const double chi2 = ((counts - 1000).square() / 1000).sum().item<double>();
    CHECK(chi2 < 20.5);  // 5 degrees of freedom, 1 in 1,000 (3.3 sigma)
}

TEST_CASE("all orders of a row are equally frequent, rows and calls are independent, and a generator repeats") {
    at::Generator generator = make_generator(at::kCPU, 0, 4), again = make_generator(at::kCPU, 0, 4);
    const std::int64_t pairs = 28800;
    const at::Tensor order = random_orders(2 * pairs, 4, generator, at::kCPU);
    CHECK(at::equal(order, random_orders(2 * pairs, 4, again, at::kCPU)));
    const at::Tensor next = random_orders(2 * pairs, 4, generator, at::kCPU);

    // The 24 orders by three of their sites, of two rows or calls together: 576 pairs with 50 expected of each.
    const at::Tensor code = (order * at::tensor({16, 4, 1, 0})).sum(1),
                     code_next = (next * at::tensor({16, 4, 1, 0})).sum(1);
    const auto chi2 = [](const at::Tensor& one, const at::Tensor& other) {
        const at::Tensor counts = std::get<2>(at::_unique2(one * 64 + other, true, false, true)).to(at::kDouble);
        CHECK(counts.size(0) == 576);
        const double expected = static_cast<double>(one.size(0)) / 576;
        return ((counts - expected).square() / expected).sum().item<double>();
    };
    const double most = 575 + 3.3 * std::sqrt(2.0 * 575);  // 3.3 sigma
    CHECK(chi2(code.view({pairs, 2}).select(1, 0), code.view({pairs, 2}).select(1, 1)) < most);
    CHECK(chi2(code.slice(0, 0, pairs), code_next.slice(0, 0, pairs)) < most);

    for (const std::int64_t sites : {1, 2, 55, 5000}) {
        const at::Tensor one = random_orders(40, sites, generator, at::kCPU);
        CHECK(at::equal(std::get<0>(one.sort(1)), at::arange(sites).expand({40, sites})));
    }
    CHECK(random_orders(0, 5, generator, at::kCPU).size(1) == 5);
}

TEST_CASE("random orders do not depend on the number of threads") {
    const int threads = at::get_num_threads();
    std::vector<at::Tensor> orders;
    for (const int count : {1, 2, 3}) {
        at::set_num_threads(count);
        at::Generator generator = make_generator(at::kCPU, 0, 5);
        orders.push_back(random_orders(64, 784, generator, at::kCPU));  // 20 rows a thread at the least
    }
    at::set_num_threads(threads);
    CHECK(at::equal(orders[0], orders[1]));
    CHECK(at::equal(orders[0], orders[2]));
}

TEST_CASE("positions of sites undo an order") {
    const at::Tensor order = at::tensor({2, 0, 3, 1, 0, 1, 2, 3}, at::kLong).view({2, 4});
    CHECK(at::equal(positions_of_sites(order), at::tensor({1, 3, 0, 2, 0, 1, 2, 3}, at::kLong).view({2, 4})));
}

TEST_CASE("random sites are distinct") {
    at::Generator generator = make_generator(at::kCPU, 0, 1);
    for (const std::int64_t count : {1, 3, 30}) {
        const at::Tensor sites = std::get<0>(random_sites(50, 40, count, generator, at::kCPU).sort(1));
        CHECK(sites.size(1) == count);
        if (count > 1) CHECK((sites.slice(1, 1) - sites.slice(1, 0, count - 1)).min().item<std::int64_t>() > 0);
    }
}

TEST_CASE("a chain link adds one known site, and subset sizes are uniform over 0..D-1") {
    at::Generator generator = make_generator(at::kCPU, 0, 2);
    const at::Tensor x = at::randint(3, {8000, 4}, generator, at::kLong);
    const ChainLink link = random_chain_link(x, 3, generator);
    const at::Tensor known = (link.before < 3).sum(1);
    CHECK(at::equal((link.after < 3).sum(1), known + 1));
    CHECK(at::equal(link.symbol, x.gather(1, link.site.unsqueeze(1)).squeeze(1)));
    CHECK(at::equal(link.after.gather(1, link.site.unsqueeze(1)).squeeze(1), link.symbol));
    CHECK(link.before.gather(1, link.site.unsqueeze(1)).min().item<std::int64_t>() == 3);
    const at::Tensor counts = known.bincount({}, 4).to(at::kDouble);
    CHECK(counts.numel() == 4);
    CHECK(((counts - 2000).square() / 2000).sum().item<double>() <
          16.3);  // 3 degrees of freedom, 1 in 1,000 (3.3 sigma)
}

// The least distance, by the longer axis, between any two of the first `count` sites of an order, round the edges.
std::int64_t least_distance(const at::Tensor& order, std::int64_t count, std::int64_t rows, std::int64_t columns) {
    std::int64_t least = rows + columns;
    const auto apart = [](std::int64_t a, std::int64_t b, std::int64_t length) {
        const std::int64_t d = std::abs(a - b);
        return std::min(d, length - d);
    };
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < i; ++j) {
            const auto a = order[i].item<std::int64_t>(), b = order[j].item<std::int64_t>();
            least = std::min(least,
                             std::max(apart(a / columns, b / columns, rows), apart(a % columns, b % columns, columns)));
        }
    return least;
}

TEST_CASE("spread orders are permutations whose first sites lie far apart, every site first equally often") {
    at::Generator generator = make_generator(at::kCPU, 0, 4);
    const at::Tensor square = spread_orders(20, {8, 8}, generator, at::kCPU);
    for (std::int64_t row = 0; row < 20; ++row) {
        CHECK(least_distance(square[row], 2, 8, 8) == 4);
        CHECK(least_distance(square[row], 4, 8, 8) == 4);
        CHECK(least_distance(square[row], 16, 8, 8) == 2);
        CHECK(least_distance(random_orders(1, 64, generator, at::kCPU)[0], 16, 8, 8) == 1);
    }
    CHECK(least_distance(spread_orders(1, {16}, generator, at::kCPU)[0], 4, 1, 16) == 4);
    for (const std::vector<std::int64_t>& shape :
         std::vector<std::vector<std::int64_t>>{{5, 7}, {1, 3}, {2, 3, 4}, {1}}) {
        std::int64_t sites = 1;
        for (const std::int64_t length : shape) sites *= length;
        const at::Tensor order = spread_orders(2000, shape, generator, at::kCPU);
        CHECK(at::equal(std::get<0>(order.sort(1)), at::arange(sites).expand({2000, sites})));
        const double each = 2000.0 / static_cast<double>(sites);
        const at::Tensor counts = order.select(1, 0).bincount({}, sites).to(at::kDouble);
        CHECK((counts - each).abs().max().item<double>() <= 4.5 * std::sqrt(each));  // sigma
    }
}

TEST_CASE("symbols are drawn with the probabilities of their logits") {
    at::Generator generator = make_generator(at::kCPU, 0, 3);
    const at::Tensor p = at::tensor({0.1, 0.2, 0.7});
    const at::Tensor drawn = sample_symbols(p.log().expand({20000, 3}), generator);
    const at::Tensor counts = drawn.bincount({}, 3).to(at::kDouble);
    CHECK(((counts - 20000 * p).square() / (20000 * p)).sum().item<double>() <
          13.8);  // 2 degrees, 1 in 1,000 (3.3 sigma)
}

TEST_CASE("generators differ by seed and stream, and repeat") {
    const auto draw = [](std::int64_t seed, std::uint64_t stream) {
        at::Generator generator = make_generator(at::kCPU, seed, stream);
        return at::rand({4}, generator, at::TensorOptions());
    };
    CHECK(at::equal(draw(1, 2), draw(1, 2)));
    CHECK(!at::equal(draw(1, 2), draw(2, 2)));
    CHECK(!at::equal(draw(1, 2), draw(1, 3)));
}
