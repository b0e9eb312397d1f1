#include "kernel/worker/answer/holding.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/orders.h>

#include <charconv>
#include <numeric>
#include <string_view>

namespace marginalia {
namespace {

constexpr int first_rounds = 16, further_rounds = 2;  // of balancing: before the first site, and before each other
constexpr double least_log_p = -500;                  // in what is proposed, so that whatever is allowed can be drawn

std::int64_t whole_number(std::string_view word, std::string_view text) {
    std::int64_t value = -1;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (fault != std::errc() || end != word.data() + word.size() || value < 0)
        throw Error(fmt::format("--holding: '{}' is not SYMBOL=SITES, two whole numbers, such as 1=50", text));
    return value;
}

// Puts one "1=50" into counts (K), where -1 is free.
void take(std::string_view text, std::vector<std::int64_t>& counts) {
    const std::size_t middle = text.find('=');
    if (middle == std::string_view::npos) whole_number("", text);
    const std::int64_t symbol = whole_number(text.substr(0, middle), text);
    const std::int64_t sites = whole_number(text.substr(middle + 1), text);
    const auto categories = static_cast<std::int64_t>(counts.size());
    if (symbol >= categories)
        throw Error(fmt::format("--holding: there is no symbol {}; they are 0 to {}", symbol, categories - 1));
    std::int64_t& count = counts[static_cast<std::size_t>(symbol)];
    if (count >= 0) throw Error(fmt::format("--holding: symbol {} is given twice", symbol));
    count = sites;
}

}  // namespace

Holding holding_of(const std::string& text, const Domain& domain) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(domain.categories), -1);
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
        end = text.find(',', begin);
        take(std::string_view(text).substr(begin, end - begin), counts);
    }
    Holding holding;
    std::vector<std::int64_t> free;
    std::int64_t left = domain.sites;
    for (std::int64_t symbol = 0; symbol < domain.categories; ++symbol) {
        const std::int64_t count = counts[static_cast<std::size_t>(symbol)];
        if (count < 0) {
            free.push_back(symbol);
            continue;
        }
        if (count > left)
            throw Error(fmt::format("--holding: the counts add up to more than the {} sites of a state", domain.sites));
        holding.symbols.push_back({symbol});
        holding.counts.push_back(count);
        left -= count;
    }
    if (free.empty() && left > 0)
        throw Error(
            fmt::format("--holding: all symbols have a count, and these leave {} of the {} sites of a state "
                        "without one; leave one symbol out, or make them add up",
                        left, domain.sites));
    if (!free.empty()) {
        holding.symbols.push_back(free);
        holding.counts.push_back(left);
    }
    return holding;
}

HoldingDraws::HoldingDraws(const Network& network, const Holding& holding, const at::Device& device)
    : network_(network) {
    const at::TensorOptions whole = at::TensorOptions(at::kLong).device(device);
    group_ = at::empty({network.domain().categories}, whole);
    for (const std::vector<std::int64_t>& symbols : holding.symbols) {
        group_.index_fill_(0, at::tensor(symbols, whole), static_cast<std::int64_t>(symbols_.size()));
        symbols_.push_back(at::tensor(symbols, whole));
    }
    counts_ = at::tensor(holding.counts, whole).to(at::kDouble).unsqueeze(0);
}

at::Tensor HoldingDraws::by_group(const at::Tensor& log_p) const {
    std::vector<at::Tensor> groups;
    for (const at::Tensor& symbols : symbols_)
        groups.push_back(log_p.index_select(2, symbols).logsumexp(at::IntArrayRef{2}));
    return at::stack(groups, 2);
}

at::Tensor HoldingDraws::balanced(const at::Tensor& tilt, const at::Tensor& groups, const at::Tensor& unknown,
                                  const at::Tensor& left) {
    constexpr double least = 1e-300;
    const at::Tensor share = (groups + tilt.unsqueeze(1)).softmax(2) * unknown.unsqueeze(2);
    return tilt + (left / share.sum(1).clamp_min(least)).log();
}

Generated HoldingDraws::draw(std::int64_t count, at::Generator& generator, const Tick& tick) const {
    const Domain& domain = network_.domain();
    const at::Tensor order = random_orders(count, domain.sites, generator, counts_.device());
    at::Tensor x = at::full_like(order, domain.categories);
    at::Tensor left = counts_.repeat({count, 1}), tilt = at::zeros_like(left);
    at::Tensor log_q = at::zeros({count}, left.options());
    for (std::int64_t t = 0; t < domain.sites; ++t) {
        const at::Tensor log_p =
            network_.conditional_logits(x).log_softmax(2, at::kDouble).clamp_min(least_log_p);  // (M, D, K)
        const at::Tensor groups = by_group(log_p), unknown = x == domain.categories;
        for (int round = 0; round < (t == 0 ? first_rounds : further_rounds); ++round)
            tilt = balanced(tilt, groups, unknown, left);
        const at::Tensor site = order.select(1, t).unsqueeze(1);  // (M, 1)
        const at::Tensor here = log_p.gather(1, site.unsqueeze(2).expand({-1, -1, domain.categories})).squeeze(1);
        const at::Tensor proposal = (here + tilt.index_select(1, group_)).log_softmax(1);
        const at::Tensor symbol = sample_symbols(proposal, generator).unsqueeze(1);
        log_q += proposal.gather(1, symbol).squeeze(1);
        x.scatter_(1, site, symbol);
        left.scatter_add_(1, group_.index_select(0, symbol.squeeze(1)).unsqueeze(1),
                          at::full_like(symbol, -1, left.options()));
        tick();
    }
    return {x, log_q};
}

}  // namespace marginalia
