// What rows drawn from a model of data are like.
#include <array>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/energy_states.h>

#include "kernel/worker/evaluate/dataset_evaluation.h"
#include "kernel/worker/evaluate/digit_features.h"
#include "kernel/worker/evaluate/picture_statistics.h"
#include "kernel/worker/model/table_states.h"
#include "kernel/worker/states/table_rows.h"

namespace marginalia {

namespace {

constexpr std::int64_t longest_ngram = 4;
constexpr std::int64_t least_digits = 2 * digit_feature_count;  // drawn, for covariances of full rank
constexpr std::int64_t reference_rows = 10000;

std::string key_of(State row) { return {reinterpret_cast<const char*>(row.data()), row.size()}; }

// Of drawn rows that stand for something: how many stand for different things, and how many for what no training row
// does.
void add_novelty(const TrialParts& parts, const at::Tensor& drawn, Figures& figures) {
    const std::vector<std::uint8_t> bytes = to_bytes(drawn);
    const States rows{bytes, static_cast<std::size_t>(drawn.size(1))};
    std::unordered_map<std::string, std::int64_t> unseen;  // what rows stand for -> how many of them
    bool text_is_all = true;  // rows that stand for the same are the same, and are compared as bytes
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (const std::string identity = parts.dataset->identity(rows[i]); !identity.empty())
            text_is_all = text_is_all && identity == parts.dataset->text(rows[i]);
    const auto key = [&](State row) { return text_is_all ? key_of(row) : parts.dataset->identity(row); };
    double valid = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (!parts.dataset->identity(rows[i]).empty()) ++valid, ++unseen[key(rows[i])];
    if (valid == 0) return;
    figures["unique"] = static_cast<double>(unseen.size()) / valid;
    std::vector<std::uint8_t> trained(rows.width);
    for (std::size_t i = 0; i < parts.dataset->size(Split::train) && !unseen.empty(); ++i) {
        parts.dataset->row(Split::train, i, trained);
        unseen.erase(key(trained));
    }
    std::int64_t novel = 0;
    for (const auto& [row, times] : unseen) novel += times;
    figures["novel"] = static_cast<double>(novel) / valid;
}

using Counts = std::unordered_map<std::uint32_t, double>;  // n symbols, a byte each -> their share of all n-grams

Counts ngrams(const at::Tensor& x, std::int64_t n) {
    const std::vector<std::uint8_t> bytes = to_bytes(x);
    const States rows{bytes, static_cast<std::size_t>(x.size(1))};
    const auto length = static_cast<std::size_t>(n);
    const double share = 1 / static_cast<double>(rows.size() * (rows.width - length + 1));
    Counts counts;
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t d = 0; d + length <= rows.width; ++d) {
            std::uint32_t code = 0;
            for (const std::uint8_t symbol : rows[i].subspan(d, length)) code = code << 8 | symbol;
            counts[code] += share;
        }
    return counts;
}

double total_variation(const Counts& a, const Counts& b) {
    double sum = 0;
    for (const auto& [code, share] : a) {
        const auto other = b.find(code);
        sum += std::abs(share - (other == b.end() ? 0 : other->second));
    }
    for (const auto& [code, share] : b)
        if (!a.count(code)) sum += share;
    return sum / 2;
}

// `name` of the drawn rows, and of training rows in their place.
template <class Distance>
void add_distance(const std::string& name, const at::Tensor& drawn, const at::Tensor& floor, const Distance& distance,
                  Figures& figures) {
    figures[name] = distance(drawn);
    figures[name + "_floor"] = distance(floor);
}

at::Tensor finite(const at::Tensor& values) { return values.index({values.isfinite()}); }

void add_spread(const std::string& name, const at::Tensor& values, Figures& figures) {
    const Spread spread = spread_of(values);
    figures[name] = spread.mean;
    figures[name + "_stderr"] = spread.error;
}

}  // namespace

Figures evaluate_drawn_rows(const TrialParts& parts, const at::Tensor& drawn) {
    Figures figures;
    add_novelty(parts, drawn, figures);
    const at::Tensor test = test_rows(parts, reference_rows), floor = training_rows(parts, drawn.size(0));
    if (test.size(0) == 0) return figures;
    if (parts.domain.layout.shape.size() == 1)
        for (std::int64_t n = 1; n <= std::min(longest_ngram, parts.domain.sites); ++n) {
            const Counts reference = ngrams(test, n);
            const auto distance = [&](const at::Tensor& x) { return total_variation(ngrams(x, n), reference); };
            add_distance("ngram_distance_" + std::to_string(n), drawn, floor, distance, figures);
        }
    if (has_pixels(parts.domain.layout)) {
        const Domain& domain = parts.domain;
        const auto pixels = [&](const at::Tensor& x) { return pixel_distance(x, test, domain.categories); };
        const auto pairs = [&](const at::Tensor& x) { return pair_distance(x, test, domain); };
        add_distance("pixel_distance", drawn, floor, pixels, figures);
        add_distance("pair_distance", drawn, floor, pairs, figures);
    }
    if (has_digits(parts.domain) && std::min(drawn.size(0), test.size(0)) >= least_digits) {
        const at::Tensor of_test = digit_features(test);
        const auto digits = [&](const at::Tensor& x) { return frechet_distance(digit_features(x), of_test); };
        add_distance("frechet_distance", drawn, floor, digits, figures);
    }
    const auto own = observe_rows(parts, drawn), target = observe_rows(parts, test),
               trained = observe_rows(parts, floor);
    for (const auto& [name, values] : own) {
        const at::Tensor a = finite(values), b = finite(target.at(name)), c = finite(trained.at(name));
        if (a.numel() == 0 || b.numel() == 0 || c.numel() == 0) continue;
        add_spread(fmt::format("observable.{}", name), a, figures);
        add_spread(fmt::format("observable.{}_reference", name), b, figures);
        figures[fmt::format("observable_distance.{}", name)] = wasserstein(a, b);
        figures[fmt::format("observable_distance.{}_floor", name)] = wasserstein(c, b);
    }
    return figures;
}

std::string rows_text(const TrialParts& parts, const at::Tensor& drawn) {
    constexpr std::size_t columns = 100;
    const std::vector<Site> sites = parts.variables().site_list();
    const TableCells cells(sites);
    const std::vector<double> values = TableStates(sites, parts.domain.categories).cells(drawn);
    OutputRequest output;
    output.format = StateFormat::screen;
    output.terminal.columns = columns;
    std::ostringstream text;
    const std::unique_ptr<TableWriter> writer = make_table_writer(output, cells, false, text);
    for (std::size_t first = 0; first < values.size(); first += cells.size())
        writer->row(std::span(values).subspan(first, cells.size()), 0);
    writer->finish();
    return std::move(text).str();
}

}  // namespace marginalia
