#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <marginalia/orders.h>

#include "kernel/train/trial_parts.h"

using namespace marginalia;

TEST_CASE("random orders are permutations and every site comes first equally often") {
    at::Generator generator = make_generator(at::kCPU, 0, 0);
    const at::Tensor order = random_orders(6000, 6, generator, at::kCPU);
    CHECK(at::equal(std::get<0>(order.sort(1)), at::arange(6).expand({6000, 6})));
    const at::Tensor counts = order.select(1, 0).bincount({}, 6).to(at::kDouble);
    const double chi2 = ((counts - 1000).square() / 1000).sum().item<double>();
    CHECK(chi2 < 20.5);  // 5 degrees of freedom, 1 in 1,000 (3.3 sigma)
}

TEST_CASE("random orders are those of the keys that the generator draws, equal keys by place") {
    for (const std::int64_t sites : {1, 2, 55, 5000}) {
        at::Generator generator = make_generator(at::kCPU, 0, 4), again = make_generator(at::kCPU, 0, 4);
        const at::Tensor order = random_orders(40, sites, generator, at::kCPU);
        const at::Tensor keys = at::rand({40, sites}, again, at::TensorOptions());
        CHECK(at::equal(order, keys.argsort(true, 1, false)));
    }
    at::Generator generator = make_generator(at::kCPU, 0, 4);
    CHECK(random_orders(0, 5, generator, at::kCPU).size(1) == 5);
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
    CHECK(((counts - 2000).square() / 2000).sum().item<double>() < 16.3);  // 3 degrees of freedom, 1 in 1,000 (3.3 sigma)
}

TEST_CASE("symbols are drawn with the probabilities of their logits") {
    at::Generator generator = make_generator(at::kCPU, 0, 3);
    const at::Tensor p = at::tensor({0.1, 0.2, 0.7});
    const at::Tensor drawn = sample_symbols(p.log().expand({20000, 3}), generator);
    const at::Tensor counts = drawn.bincount({}, 3).to(at::kDouble);
    CHECK(((counts - 20000 * p).square() / (20000 * p)).sum().item<double>() < 13.8);  // 2 degrees, 1 in 1,000 (3.3 sigma)
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
