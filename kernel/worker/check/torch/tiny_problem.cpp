#include "kernel/worker/check/torch/tiny_problem.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/orders.h>
#include <marginalia/random.h>

#include <algorithm>
#include <cmath>

#include "kernel/worker/check/torch/random_watch.h"
#include "kernel/worker/check/torch/table_network.h"

namespace marginalia {
namespace {

constexpr double spread = 1.5;   // standard deviation of log f in nats
constexpr double log_scale = 2;  // so that log Z is not near 0
constexpr std::int64_t data_rows = 2048;

std::vector<double> to_vector(const at::Tensor& values) {
    const at::Tensor flat = values.to(at::kDouble).contiguous();
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

// Fields of each site's own, and a ring of pairs that feel the difference of their symbols: all that samplers ask of
// couplings.
EnergyForm ring_form(const Domain& domain, at::Generator& generator) {
    EnergyForm form;
    form.fields = to_vector(at::randn({domain.sites * domain.categories}, generator, at::kDouble));
    const at::Tensor symbols = at::arange(domain.categories, at::kLong);
    const at::Tensor difference = (symbols - symbols.unsqueeze(1)).remainder(domain.categories).flatten();
    for (std::int64_t site = 0; site < domain.sites && domain.sites > 1; ++site) {
        const auto first = static_cast<std::uint32_t>(site);
        form.pairs.push_back({first, static_cast<std::uint32_t>((site + 1) % domain.sites), first});
        const at::Tensor values = at::randn({domain.categories}, generator, at::kDouble);
        form.tables.push_back(to_vector(values.index_select(0, difference)));
    }
    return form;
}

// Of each of the states, (rows, D).
at::Tensor log_f_of(const EnergyForm& form, const at::Tensor& states, std::int64_t categories) {
    const at::Tensor fields = at::tensor(form.fields, at::kDouble).view({states.size(1), categories});
    at::Tensor sum = fields.expand({states.size(0), -1, -1}).gather(2, states.unsqueeze(2)).sum({1, 2});
    for (const auto& [first, second, table] : form.pairs)
        sum = sum + at::tensor(form.tables[table], at::kDouble)
                        .index_select(0, states.select(1, first) * categories + states.select(1, second));
    return sum;
}

class TableEnergy final : public Energy {
public:
    TableEnergy(const Domain& domain, const at::Tensor& log_f, std::optional<EnergyForm> form)
        : Energy(domain.sites, domain.categories), layout_(domain.layout), log_f_(to_vector(log_f)),
          form_(std::move(form)) {}

    double log_density(State x) const override { return log_f_.at(number(x)); }
    std::optional<EnergyForm> form() const override { return form_; }

    void site_log_densities(State x, std::int64_t site, std::span<double> out) const override {
        std::size_t step = 1;
        for (std::int64_t before = 0; before < site; ++before) step *= out.size();
        const std::size_t first = number(x) - step * x[static_cast<std::size_t>(site)];
        for (std::size_t k = 0; k < out.size(); ++k) out[k] = log_f_.at(first + k * step);
    }

    bool differences(State x, std::span<double> out) const override {
        const auto values = static_cast<std::size_t>(categories());
        const double here = log_density(x);
        for (std::size_t site = 0; site < x.size(); ++site) {
            const auto of_site = out.subspan(site * values, values);
            site_log_densities(x, static_cast<std::int64_t>(site), of_site);
            for (double& value : of_site) value -= here;
        }
        return true;
    }

    std::optional<ReferenceSamples> reference_samples(std::size_t count, std::uint64_t seed) const override {
        FastRandom random(seed);
        const double largest = *std::ranges::max_element(log_f_);
        ReferenceSamples samples{{}, true, "by rejection"};
        while (count > 0) {
            std::size_t number = random.below(log_f_.size());
            if (random.uniform() >= std::exp(log_f_[number] - largest)) continue;
            for (std::int64_t site = 0; site < sites(); ++site, number /= static_cast<std::size_t>(categories()))
                samples.rows.push_back(static_cast<std::uint8_t>(number % static_cast<std::size_t>(categories())));
            --count;
        }
        return samples;
    }

    Layout layout() const override { return layout_; }

private:
    std::size_t number(State x) const {
        std::size_t number = 0;
        for (std::size_t site = x.size(); site-- > 0;)
            number = number * static_cast<std::size_t>(categories()) + x[site];
        return number;
    }

    const Layout layout_;
    const std::vector<double> log_f_;
    const std::optional<EnergyForm> form_;
};

// Seven eighths of the rows are for training; the rest are validation and test alike in number.
class TableData final : public Dataset {
public:
    TableData(const Domain& domain, const at::Tensor& rows)
        : Dataset(domain.sites, domain.categories), layout_(domain.layout), bytes_(to_bytes(rows)) {}

    std::size_t size(Split split) const override { return split == Split::train ? train : others; }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        const std::size_t first = split == Split::train ? 0 : split == Split::validation ? train : train + others;
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>((first + index) * out.size()), out.size(),
                    out.begin());
    }
    Layout layout() const override { return layout_; }

    static constexpr std::size_t train = data_rows * 7 / 8, others = data_rows / 16;

private:
    const Layout layout_;
    const std::vector<std::uint8_t> bytes_;
};

class ExactSampler final : public Sampler {
public:
    explicit ExactSampler(std::int64_t batch) : batch_(batch) {}

    at::Tensor draw(const Network& network, at::Generator& generator) override {
        if (at::GradMode::is_enabled())
            throw Error("the objective calls the sampler with grad mode on; put an at::NoGradGuard around draw()");
        const Domain& domain = network.domain();
        const at::Tensor order = random_orders(batch_, domain.sites, generator, generator.device());
        at::Tensor x = at::full_like(order, domain.categories);
        for (std::int64_t position = 0; position < domain.sites; ++position) {
            const at::Tensor site = order.select(1, position);
            x.scatter_(1, site.unsqueeze(1), sample_symbols(network.conditional_at(x, site), generator).unsqueeze(1));
        }
        return x;
    }

private:
    const std::int64_t batch_;
};

}  // namespace

TinyProblem::TinyProblem(const Domain& given, const std::vector<std::string>& needs, const at::Device& where)
    : domain(given), device(where) {
    const auto named = [&](const char* table) { return std::find(needs.begin(), needs.end(), table) != needs.end(); };
    wants_sampler = named("sampler") || named("model-sampler") || named("target-sampler");
    at::Generator generator = seeded(11);
    const at::Tensor states = all_states(domain);
    std::optional<EnergyForm> form;
    if (named("couplings")) form = ring_form(domain, generator);
    const at::Tensor log_f = form ? log_f_of(*form, states, domain.categories)
                                  : at::randn({states.size(0)}, generator, at::kDouble) * spread + log_scale;
    log_target = log_f.log_softmax(0);
    if (!named("dataset") && !named("states")) {
        energy = std::make_unique<TableEnergy>(domain, log_f, std::move(form));
        batch_energy = std::make_unique<ParallelEnergy>(*energy, "built in for the check");
        return;
    }
    const at::Tensor numbers = log_target.exp().multinomial(data_rows, true, generator);
    dataset = std::make_unique<TableData>(domain, states.index_select(0, numbers));
    const at::Tensor counts = at::bincount(numbers.slice(0, 0, TableData::train), {}, states.size(0));
    log_target = (counts.to(at::kDouble) / static_cast<double>(TableData::train)).log();
}

double TinyProblem::kl(const at::Tensor& logits) const {
    const at::Tensor log_model = logits.detach().cpu().to(at::kDouble).log_softmax(0);
    const auto& [from, to] = energy ? std::pair(log_model, log_target) : std::pair(log_target, log_model);
    // A state that never occurs in the data adds nothing.
    return at::where(from > -INFINITY, from.exp() * (from - to), at::zeros_like(from)).sum().item<double>();
}

std::unique_ptr<Sampler> make_exact_sampler(std::int64_t batch) { return std::make_unique<ExactSampler>(batch); }

}  // namespace marginalia
