#include <ATen/ATen.h>
#include <marginalia/energy.h>
#include <marginalia/pair_graph.h>

#include <map>
#include <utility>
#include <vector>

#include "form_energy.h"

namespace marginalia {
namespace {

using Sites = std::pair<std::uint32_t, std::uint32_t>;  // the lower number first
using Tables = std::map<Sites, std::vector<double>>;

Tables tables_of(const EnergyForm& form, std::size_t categories) {
    Tables tables;
    for (const EnergyForm::Pair& pair : form.pairs) {
        const bool turned = pair.first > pair.second;
        std::vector<double>& sum = tables[turned ? Sites{pair.second, pair.first} : Sites{pair.first, pair.second}];
        sum.resize(categories * categories);
        const std::vector<double>& table = form.tables[pair.table];
        for (std::size_t a = 0; a < categories; ++a)
            for (std::size_t b = 0; b < categories; ++b)
                sum[a * categories + b] += table[turned ? b * categories + a : a * categories + b];
    }
    return tables;
}

at::Tensor fields_of(const Domain& domain) {
    const std::vector<double>& fields = domain.form->fields;
    if (fields.empty()) return at::zeros({domain.sites, domain.categories}, at::kDouble);
    return at::tensor(fields, at::kDouble).view({domain.sites, domain.categories});
}

// What a table adds to its sites one by one goes from it to their fields.
void move_means(PairGraph& graph) {
    const at::Tensor means = graph.tables.mean({1, 2}, true);
    const at::Tensor of_first = graph.tables.mean(2, true) - means, of_second = graph.tables.mean(1, true) - means;
    graph.tables = graph.tables - means - of_first - of_second;
    graph.fields.index_add_(0, graph.first, of_first.squeeze(2));
    graph.fields.index_add_(0, graph.second, of_second.squeeze(1));
    graph.fields = graph.fields - graph.fields.mean(1, true);
}

}  // namespace

std::shared_ptr<const EnergyForm> pair_form(const Energy& energy) {
    auto form = energy.form();
    if (!form || !form->bias.empty()) return nullptr;
    check_form(*form, energy.sites(), energy.categories());
    return std::make_shared<const EnergyForm>(std::move(*form));
}

at::Tensor PairGraph::from() const { return at::cat({first, second}); }
at::Tensor PairGraph::to() const { return at::cat({second, first}); }
at::Tensor PairGraph::directed_tables() const { return at::cat({tables, tables.transpose(1, 2)}); }

PairGraph pair_graph(const Domain& domain, const std::string& who) {
    if (!domain.form)
        throw Error(who + " needs an energy that is a sum of terms of single sites and of pairs of sites, all finite " +
                    "and with as many symbols at every site, such as ising, potts, edwards-anderson or qubo");
    const std::int64_t categories = domain.categories;
    std::vector<std::int64_t> first, second;
    std::vector<double> numbers;
    for (const auto& [sites, table] : tables_of(*domain.form, static_cast<std::size_t>(categories))) {
        first.push_back(sites.first);
        second.push_back(sites.second);
        numbers.insert(numbers.end(), table.begin(), table.end());
    }
    PairGraph graph{fields_of(domain), at::tensor(first, at::kLong), at::tensor(second, at::kLong),
                    at::tensor(numbers, at::kDouble).view({-1, categories, categories})};
    move_means(graph);
    graph.fields = graph.fields.to(at::kFloat);
    graph.tables = graph.tables.to(at::kFloat);
    return graph;
}

}  // namespace marginalia
