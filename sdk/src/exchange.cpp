#include <marginalia/exchange.h>
#include <marginalia/heat_bath.h>

#include <charconv>
#include <string_view>

namespace marginalia {
namespace {

std::int64_t whole_number(const std::string& name, std::string_view word, std::string_view text) {
    std::int64_t value = -1;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (fault != std::errc() || end != word.data() + word.size() || value < 0)
        throw Error(name + ": '" + std::string(text) + "' is not SYMBOL=SITES, two whole numbers, such as 1=50");
    return value;
}

// Puts one "1=50" into counts (K), where -1 is free.
void take(const std::string& name, std::string_view text, std::vector<std::int64_t>& counts) {
    const std::size_t middle = text.find('=');
    if (middle == std::string_view::npos) whole_number(name, "", text);
    const std::int64_t symbol = whole_number(name, text.substr(0, middle), text);
    const std::int64_t sites = whole_number(name, text.substr(middle + 1), text);
    const auto categories = static_cast<std::int64_t>(counts.size());
    if (symbol >= categories)
        throw Error(name + ": there is no symbol " + std::to_string(symbol) + "; they are 0 to " +
                    std::to_string(categories - 1));
    std::int64_t& count = counts[static_cast<std::size_t>(symbol)];
    if (count >= 0) throw Error(name + ": symbol " + std::to_string(symbol) + " is given twice");
    count = sites;
}

}  // namespace

Holding holding_of(const std::string& name, const std::string& text, std::int64_t sites, std::int64_t categories) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(categories), -1);
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
        end = text.find(',', begin);
        take(name, std::string_view(text).substr(begin, end - begin), counts);
    }
    Holding holding;
    std::vector<std::int64_t> free;
    std::int64_t left = sites;
    for (std::int64_t symbol = 0; symbol < categories; ++symbol) {
        const std::int64_t count = counts[static_cast<std::size_t>(symbol)];
        if (count < 0) {
            free.push_back(symbol);
            continue;
        }
        if (count > left)
            throw Error(name + ": the counts add up to more than the " + std::to_string(sites) + " sites of a state");
        holding.symbols.push_back({symbol});
        holding.counts.push_back(count);
        left -= count;
    }
    if (free.empty() && left > 0)
        throw Error(name + ": all symbols have a count, and these leave " + std::to_string(left) + " of the " +
                    std::to_string(sites) + " sites of a state without one; leave one symbol out, or make them add up");
    if (!free.empty()) {
        holding.symbols.push_back(free);
        holding.counts.push_back(left);
    }
    return holding;
}

Exchanges::Exchanges(const Energy& energy, const Holding& holding) : energy_(energy), holding_(holding) {
    for (std::size_t group = 0; group < holding.symbols.size(); ++group) {
        several_ = several_ || holding.symbols[group].size() > 1;
        for (const std::int64_t symbol : holding.symbols[group])
            group_[static_cast<std::size_t>(symbol)] = static_cast<std::uint8_t>(group);
    }
}

void Exchanges::draw_any(std::span<std::uint8_t> x, FastRandom& random) const {
    std::size_t site = 0;
    for (std::size_t group = 0; group < holding_.counts.size(); ++group) {
        const std::vector<std::int64_t>& symbols = holding_.symbols[group];
        for (std::int64_t left = holding_.counts[group]; left > 0; --left, ++site)
            x[site] = static_cast<std::uint8_t>(symbols[random.below(symbols.size())]);
    }
    for (std::size_t left = x.size(); left > 1; --left) std::swap(x[left - 1], x[random.below(left)]);
}

void Exchanges::sweep(std::span<std::uint8_t> x, FastRandom& random) const {
    for (std::size_t move = 0; move < x.size(); ++move) {
        const std::size_t site = random.below(x.size());
        if (several_ && random.below(2) == 0) redraw(x, site, random);
        else exchange(x, site, random.below(x.size()), random);
    }
}

void Exchanges::exchange(std::span<std::uint8_t> x, std::size_t site, std::size_t other, FastRandom& random) const {
    if (x[site] == x[other]) return;
    const double change = gain(x, site, other);
    // Not a number where neither state is possible: then the chain walks on.
    if (change < 0 && random.uniform() >= std::exp(change)) return;
    std::swap(x[site], x[other]);
}

void Exchanges::redraw(std::span<std::uint8_t> x, std::size_t site, FastRandom& random) const {
    const std::vector<std::int64_t>& symbols = holding_.symbols[group_[x[site]]];
    if (symbols.size() == 1) return;
    std::array<double, 255> all, own;
    energy_.site_log_densities(x, static_cast<std::int64_t>(site),
                               {all.data(), static_cast<std::size_t>(energy_.categories())});
    for (std::size_t k = 0; k < symbols.size(); ++k) own[k] = all[static_cast<std::size_t>(symbols[k])];
    x[site] = static_cast<std::uint8_t>(symbols[draw_tempered({own.data(), symbols.size()}, 1, random)]);
}

double Exchanges::gain(std::span<std::uint8_t> x, std::size_t site, std::size_t other) const {
    const std::uint8_t here = x[site], there = x[other];
    std::array<double, 255> values;
    const std::span<double> known(values.data(), static_cast<std::size_t>(energy_.categories()));
    energy_.site_log_densities(x, static_cast<std::int64_t>(site), known);
    const double first = known[there] - known[here];
    if (!std::isfinite(first)) return gain_at_once(x, site, other);  // x is impossible, or the state between the two
    x[site] = there;
    energy_.site_log_densities(x, static_cast<std::int64_t>(other), known);
    x[site] = here;
    return first + known[here] - known[there];
}

double Exchanges::gain_at_once(std::span<std::uint8_t> x, std::size_t site, std::size_t other) const {
    const double before = energy_.log_density(x);
    std::swap(x[site], x[other]);
    const double after = energy_.log_density(x);
    std::swap(x[site], x[other]);
    return after - before;
}

}  // namespace marginalia
