#include "form_energy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "colouring.h"

namespace marginalia {
namespace {

constexpr std::int64_t most_entries = 1 << 21;  // of a tensor in between, to bound memory

[[noreturn]] void refuse(const std::string& what) {
    throw Error("the energy's form has " + what + "; see marginalia/energy_form.h");
}

void expect_finite(const std::vector<double>& values, const char* what) {
    if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }))
        refuse(std::string("a number that is not finite in its ") + what);
}

void expect_size(std::size_t size, std::size_t right, const char* what) {
    if (size != 0 && size != right)
        refuse(std::to_string(size) + " numbers as " + what + " where there must be " + std::to_string(right));
}

void check_pairs(const EnergyForm& form, std::size_t sites) {
    for (const EnergyForm::Pair& pair : form.pairs) {
        if (pair.first >= sites || pair.second >= sites || pair.first == pair.second)
            refuse("a pair of the sites " + std::to_string(pair.first) + " and " + std::to_string(pair.second) +
                   ", which must be two of the sites 0 to " + std::to_string(sites - 1));
        if (pair.table >= form.tables.size())
            refuse("a pair with table " + std::to_string(pair.table) + " of " + std::to_string(form.tables.size()));
    }
}

void check_numbers(const EnergyForm& form, std::size_t sites, std::size_t categories) {
    expect_finite({form.constant}, "constant");
    expect_size(form.fields.size(), sites * categories, "fields");
    expect_finite(form.fields, "fields");
    if (form.partial && !form.bias.empty()) refuse("partial densities beside hidden units");
    for (const auto& table : form.tables) {
        if (table.size() != categories * categories) refuse("a table that is not of K * K numbers");
        expect_finite(table, "tables");
    }
    check_pairs(form, sites);
    if (form.weights.size() != sites * form.bias.size()) refuse("weights that are not of D * H numbers");
    expect_finite(form.bias, "bias");
    expect_finite(form.weights, "weights");
}

// softplus of LibTorch is the identity above its threshold; from there on that is so in float64.
at::Tensor log_1_plus_exp(const at::Tensor& x) { return at::softplus(x, 1, 40); }

// Tables have a symbol more, □, of which all terms are 0: partial states need nothing else.
class FormEnergy final : public DeviceEnergy {
public:
    FormEnergy(const EnergyForm& form, std::int64_t sites, std::int64_t categories, const at::Device& device)
        : DeviceEnergy(device, sites, categories, true), constant_(form.constant), symbols_(categories + 1),
          partial_(form.partial) {
        fields_ = form.fields.empty() ? at::zeros({sites, categories}, at::kDouble)
                                      : at::tensor(form.fields, at::kDouble).view({sites, categories});
        take_tables(form);
        take_pairs(form);
        take_units(form);
        take_classes(form);
        fields_ = here(at::constant_pad_nd(fields_, {0, 1}));
    }

    at::Tensor log_densities(const at::Tensor& x) const override {
        const at::Tensor single = fields_.expand({x.size(0), -1, -1}).gather(2, x.unsqueeze(2));
        at::Tensor sum = single.sum(at::IntArrayRef{1, 2}).add_(constant_);
        const std::int64_t pairs = first_.size(0), piece = piece_of(x.size(0));
        for (std::int64_t at = 0; at < pairs; at += piece) {
            const auto part = [&](const at::Tensor& all) { return all.slice(0, at, std::min(pairs, at + piece)); };
            const at::Tensor a = x.index_select(1, part(first_)), b = x.index_select(1, part(second_));
            const at::Tensor entry = (a * symbols_ + b).add_(part(table_of_pair_));
            sum += tables_.index_select(0, entry.flatten()).view_as(entry).sum(1);
        }
        if (has_units()) sum += log_1_plus_exp(unit_inputs(x)).sum(1);
        return sum;
    }

    at::Tensor site_log_densities(const at::Tensor& x, std::size_t colour) const override {
        const Class& of_class = classes_[colour];
        const std::int64_t rows = x.size(0), sites = of_class.fields.size(0), most = of_class.neighbours.size(0);
        at::Tensor values = of_class.fields.unsqueeze(0).repeat({rows, 1, 1});
        const std::int64_t piece = piece_of(rows * sites * categories());
        for (std::int64_t at = 0; at < most; at += piece) {
            const std::int64_t end = std::min(most, at + piece);
            const at::Tensor others = x.index_select(1, of_class.neighbours.slice(0, at, end).flatten());
            const at::Tensor entry = others + of_class.lines.slice(0, at, end).flatten();
            values += lines_.index_select(0, entry.flatten()).view({rows, end - at, sites, categories()}).sum(1);
        }
        if (has_units()) add_units(x, of_class.only_site, values);
        return values;
    }

    // What site_log_densities gives of an unknown site counts its known neighbours alone.
    at::Tensor partial_log_densities(const at::Tensor& x) const override {
        if (!partial_) return {};
        at::Tensor sum = log_densities(x);
        for (std::size_t colour = 0; colour < colours_.size(); ++colour) {
            const at::Tensor known = x.index_select(1, colours_[colour]) < categories();
            sum += site_log_densities(x, colour).logsumexp(2).masked_fill(known, 0).sum(1);
        }
        return sum;
    }

private:
    // Neighbours of the sites of a colour, filled up to the same number with ones that add nothing.
    struct Class {
        at::Tensor fields;      // (S, K)
        at::Tensor neighbours;  // (M, S) int64: sites
        at::Tensor lines;       // (M, S) int64: where in lines_ the neighbour's symbol 0 is
        std::int64_t only_site;
    };

    at::Tensor here(const at::Tensor& x) const { return x.to(device()); }
    bool has_units() const { return bias_.defined(); }

    static std::int64_t piece_of(std::int64_t entries_each) {
        return std::max<std::int64_t>(1, most_entries / std::max<std::int64_t>(1, entries_each));
    }

    // lines_ holds for each symbol of a neighbour what it adds to each symbol of a site: the tables' rows, then their
    // columns, then zeros.
    void take_tables(const EnergyForm& form) {
        const std::int64_t k = categories(), count = static_cast<std::int64_t>(form.tables.size());
        at::Tensor tables = at::empty({count, k, k}, at::kDouble);
        auto* to = tables.mutable_data_ptr<double>();
        for (const auto& table : form.tables) to = std::copy(table.begin(), table.end(), to);
        const at::Tensor all = at::cat({tables, tables.transpose(1, 2), at::zeros({1, k, k}, at::kDouble)});
        lines_ = here(at::constant_pad_nd(all, {0, 0, 0, 1}).reshape({-1, k}));
        tables_ = here(at::constant_pad_nd(tables, {0, 1, 0, 1}).flatten());
    }

    void take_pairs(const EnergyForm& form) {
        std::vector<std::int64_t> first, second, table;
        for (const EnergyForm::Pair& pair : form.pairs) {
            first.push_back(pair.first);
            second.push_back(pair.second);
            table.push_back(pair.table * symbols_ * symbols_);
        }
        first_ = here(at::tensor(first, at::kLong));
        second_ = here(at::tensor(second, at::kLong));
        table_of_pair_ = here(at::tensor(table, at::kLong));
    }

    void take_units(const EnergyForm& form) {
        if (form.bias.empty()) return;
        bias_ = here(at::tensor(form.bias, at::kDouble));
        weights_ = here(at::tensor(form.weights, at::kDouble).view({sites(), -1}));
    }

    void take_classes(const EnergyForm& form) {
        const Neighbours neighbours = neighbours_of(form, sites());
        if (has_units()) {  // which hold all sites
            for (std::int64_t site = 0; site < sites(); ++site) take_class({site}, neighbours, form);
        } else {
            for (const auto& of_class : colour_classes(neighbours)) take_class(of_class, neighbours, form);
        }
    }

    void take_class(const std::vector<std::int64_t>& of_class, const Neighbours& neighbours, const EnergyForm& form) {
        const std::size_t width = of_class.size();
        std::size_t most = 0;
        for (const std::int64_t site : of_class)
            most = std::max(most, neighbours[static_cast<std::size_t>(site)].size());
        const auto tables = static_cast<std::int64_t>(form.tables.size());
        std::vector<std::int64_t> others(most * width, 0), lines(most * width, 2 * tables * symbols_);
        for (std::size_t i = 0; i < width; ++i) {
            const auto& around = neighbours[static_cast<std::size_t>(of_class[i])];
            for (std::size_t j = 0; j < around.size(); ++j) {
                others[j * width + i] = around[j].site;
                lines[j * width + i] = (around[j].table + (around[j].first ? 0 : tables)) * symbols_;
            }
        }
        const auto matrix = [&](const std::vector<std::int64_t>& values) {
            return here(at::tensor(values, at::kLong)
                            .view({static_cast<std::int64_t>(most), static_cast<std::int64_t>(width)}));
        };
        const at::Tensor sites_here = at::tensor(of_class, at::kLong);
        classes_.push_back(
            {here(fields_.index_select(0, sites_here)), matrix(others), matrix(lines), of_class.front()});
        colours_.push_back(here(sites_here));
    }

    at::Tensor unit_inputs(const at::Tensor& x) const { return at::addmm(bias_, x.to(at::kDouble), weights_); }

    void add_units(const at::Tensor& x, std::int64_t site, at::Tensor& values) const {
        const at::Tensor weights = weights_.select(0, site);
        at::Tensor inputs = unit_inputs(x).sub_(x.select(1, site).unsqueeze(1) * weights);
        for (std::int64_t k = 0; k < categories(); ++k) {
            if (k > 0) inputs += weights;
            values.select(2, k).add_(log_1_plus_exp(inputs).sum(1, true));
        }
    }

    const double constant_;
    const std::int64_t symbols_;  // K + 1
    const bool partial_;
    at::Tensor fields_;                          // (D, K + 1)
    at::Tensor tables_, lines_;                  // (T (K + 1) (K + 1)), ((2 T + 1) (K + 1), K)
    at::Tensor first_, second_, table_of_pair_;  // (P) int64, the last as the place in tables_
    at::Tensor bias_, weights_;                  // (H), (D, H); undefined where there are no units
    std::vector<Class> classes_;                 // by colour
};

}  // namespace

void check_form(const EnergyForm& form, std::int64_t sites, std::int64_t categories) {
    check_numbers(form, static_cast<std::size_t>(sites), static_cast<std::size_t>(categories));
}

std::unique_ptr<DeviceEnergy> make_form_energy(const EnergyForm& form, std::int64_t sites, std::int64_t categories,
                                               const at::Device& device) {
    check_form(form, sites, categories);
    return std::make_unique<FormEnergy>(form, sites, categories, device);
}

}  // namespace marginalia
