#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/model.h>
#include <marginalia/orders.h>

#include <cmath>

namespace marginalia {
namespace {

// The share of what is still open that pass `pass` of `passes` draws: little is drawn at a time while little is known.
double share_of(std::int64_t pass, std::int64_t passes) {
    const auto drawn_after = [passes](std::int64_t p) {
        return std::pow(static_cast<double>(p) / static_cast<double>(passes), 1.5);
    };
    return (drawn_after(pass) - drawn_after(pass - 1)) / (1 - drawn_after(pass - 1));
}

class FewPassModel final : public Model {
public:
    FewPassModel(const Network& network, std::int64_t passes) : Model(network), passes_(passes) {
        if (!network.domain().site_categories.empty())
            throw Error(
                "states with real numbers or with sites of different numbers of symbols are drawn site by site; leave "
                "the number of passes out");
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
        const at::Tensor rank = positions_of_sites(first);
        at::Tensor log_p = at::zeros({x.size(0)}, x.options().dtype(at::kDouble)), open = asked;
        for (std::int64_t pass = 1; pass <= passes_ && open.any().item<bool>(); ++pass) {
            const at::Tensor logits = network().conditional_logits(x).to(at::kFloat);
            const at::Tensor log_symbols = logits.log_softmax(2);
            const at::Tensor now =
                pass < passes_ ? open & due(log_symbols, open, first, rank, share_of(pass, passes_)) : open;
            const at::Tensor symbols = choose(logits).view_as(x);
            const at::Tensor added = log_symbols.gather(2, symbols.unsqueeze(2)).squeeze(2);
            log_p += added.masked_fill(now.logical_not(), 0).sum(1, false, at::kDouble);
            x = at::where(now, symbols, x);
            open = open & now.logical_not();
            tick();
        }
        return {x, log_p};
    }

    // The first open sites in the order that have `share` of the entropy of all open ones, one at least.
    static at::Tensor due(const at::Tensor& log_symbols, const at::Tensor& open, const at::Tensor& first,
                          const at::Tensor& rank, double share) {
        const at::Tensor entropy = -(log_symbols.exp() * log_symbols).sum(2);
        const at::Tensor along = entropy.masked_fill(open.logical_not(), 0).clamp_min(0).gather(1, first);
        const at::Tensor sums = along.cumsum(1);
        return (sums - along <= share * sums.slice(1, -1)).gather(1, rank);
    }

    const std::int64_t passes_;
};

}  // namespace

std::unique_ptr<Model> few_pass_model(const Network& network, std::int64_t passes) {
    return std::make_unique<FewPassModel>(network, passes);
}

}  // namespace marginalia
