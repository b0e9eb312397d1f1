#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/model.h>
#include <marginalia/orders.h>

#include <cmath>
#include <numbers>

namespace marginalia {
namespace {

// How many of `count` sites are known after `pass` of `passes`: few are drawn at a time while little is known.
at::Tensor known_after(const at::Tensor& count, std::int64_t pass, std::int64_t passes) {
    if (pass == passes) return count;
    const double part = static_cast<double>(pass) / static_cast<double>(passes);
    return (count.to(at::kDouble) * (1 - std::cos(std::numbers::pi / 2 * part))).ceil().to(at::kLong);
}

class FewPassModel final : public Model {
public:
    FewPassModel(const Network& network, std::int64_t passes) : Model(network), passes_(passes) {
        if (passes < 1) throw Error("a state is drawn in 1 pass or more, not in " + std::to_string(passes));
    }

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const Domain& domain = network().domain();
        const at::TensorOptions whole = at::TensorOptions(at::kLong).device(generator.device());
        return complete(at::full({count, domain.sites}, domain.categories, whole), generator, tick);
    }

    Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        return walk(x, x == network().domain().categories, generator, tick,
                    [&](const at::Tensor& logits) { return sample_symbols(logits.flatten(0, 1), generator); });
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        const std::int64_t unknown = network().domain().categories;
        const at::Tensor given = x.clamp_max(unknown - 1).flatten();
        return walk(at::full_like(x, unknown), x != unknown, generator, tick, [&](const at::Tensor&) { return given; })
            .log_p;
    }

private:
    // Fills the sites `asked` (B, D) of x with what choose(logits (B, D, K)) gives, (B D) symbols.
    template <class Choose>
    Generated walk(at::Tensor x, const at::Tensor& asked, at::Generator& generator, const Tick& tick,
                   const Choose& choose) const {
        const at::Tensor order = spread_orders(x.size(0), network().domain().layout.shape, generator, x.device());
        // The asked sites first, in this order.
        const at::Tensor first = order.gather(1, asked.gather(1, order).to(at::kByte).argsort(true, 1, true));
        const at::Tensor rank = positions_of_sites(first), count = asked.sum(1, true);
        at::Tensor log_p = at::zeros({x.size(0)}, x.options().dtype(at::kDouble)), before = at::zeros_like(count);
        for (std::int64_t pass = 1; pass <= passes_; ++pass) {
            const at::Tensor after = known_after(count, pass, passes_);
            if (at::equal(after, before)) continue;  // while less than a site is due
            const at::Tensor now = (rank >= before) & (rank < after);
            const at::Tensor logits = network().conditional_logits(x).to(at::kFloat);
            const at::Tensor symbols = choose(logits).view_as(x);
            const at::Tensor added = logits.log_softmax(2).gather(2, symbols.unsqueeze(2)).squeeze(2);
            log_p += added.masked_fill(now.logical_not(), 0).sum(1, false, at::kDouble);
            x = at::where(now, symbols, x);
            before = after;
            tick();
        }
        return {x, log_p};
    }

    const std::int64_t passes_;
};

}  // namespace

std::unique_ptr<Model> few_pass_model(const Network& network, std::int64_t passes) {
    return std::make_unique<FewPassModel>(network, passes);
}

}  // namespace marginalia
