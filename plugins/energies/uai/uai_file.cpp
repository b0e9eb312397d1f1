#include "uai_file.h"

#include <marginalia/text_reader.h>

#include <algorithm>
#include <cmath>

namespace uai {
namespace {

using factor_graph::Factor;
using factor_graph::Model;
using marginalia::TextReader;

constexpr std::int64_t most_variables = 1000000, largest_scope = 1000;
constexpr std::size_t most_entries = std::size_t{1} << 24;

std::string number(std::size_t index) { return std::to_string(index); }

std::vector<std::uint32_t> read_scope(TextReader& reader, const Model& model, std::size_t factor) {
    const auto variables = static_cast<std::int64_t>(model.cardinalities.size());
    const std::string of = " of factor " + number(factor);
    const std::int64_t size = reader.integer("the number of variables" + of, 0, std::min(variables, largest_scope));
    std::vector<std::uint32_t> scope;
    std::size_t entries = 1;
    for (std::int64_t i = 0; i < size; ++i) {
        const auto variable = static_cast<std::uint32_t>(reader.integer("a variable" + of, 0, variables - 1));
        if (std::find(scope.begin(), scope.end(), variable) != scope.end())
            reader.fail("variable " + number(variable) + " is twice in the scope" + of +
                        "; a scope has each variable once");
        scope.push_back(variable);
        entries *= model.cardinalities[variable];
        if (entries > most_entries)
            reader.fail("the table" + of + " would have more than " + number(most_entries) +
                        " entries; divide the factor");
    }
    return scope;
}

std::vector<double> read_table(TextReader& reader, const Model& model, const std::vector<std::uint32_t>& scope,
                               std::size_t factor) {
    std::size_t expected = 1;
    for (const std::uint32_t variable : scope) expected *= model.cardinalities[variable];
    const std::string of = " of factor " + number(factor);
    const std::int64_t given = reader.integer("the number of entries" + of);
    if (given != static_cast<std::int64_t>(expected))
        reader.fail("the number of entries" + of + " is " + std::to_string(given) +
                    "; the cardinalities of its variables make " + number(expected));
    std::vector<double> table;
    for (std::size_t entry = 0; entry < expected; ++entry) {
        const double value = reader.number("entry " + number(entry) + of);
        if (value < 0)
            reader.fail("entry " + number(entry) + of + " is negative; the entries of a factor are 0 or more");
        table.push_back(value);
    }
    return table;
}

// A BAYES table is a distribution of its last variable for all values of the others; files round to some digits.
void check_conditional(TextReader& reader, const std::vector<double>& table, std::size_t values, std::size_t factor) {
    for (std::size_t row = 0; row < table.size(); row += values) {
        double sum = 0;
        for (std::size_t value = 0; value < values; ++value) sum += table[row + value];
        if (std::abs(sum - 1) > 1e-3)
            reader.fail("entries " + number(row) + " to " + number(row + values - 1) + " of factor " + number(factor) +
                        " add up to " + std::to_string(sum) +
                        "; in a BAYES file they are a distribution of the last variable and add up to 1");
    }
}

}  // namespace

Model read_model(const std::string& path) {
    TextReader reader(path);
    const auto kind = reader.word("MARKOV or BAYES");
    const bool bayes = kind == "BAYES";
    if (!bayes && kind != "MARKOV")
        reader.fail("the file should begin with MARKOV or BAYES, not '" + std::string(kind.substr(0, 40)) + "'");

    Model model;
    const std::int64_t variables = reader.integer("the number of variables", 1, most_variables);
    for (std::int64_t i = 0; i < variables; ++i)
        model.cardinalities.push_back(static_cast<std::uint32_t>(
            reader.integer("the number of values of variable " + std::to_string(i), 1, 255)));
    model.unknown = static_cast<std::uint8_t>(
        std::max(2u, *std::max_element(model.cardinalities.begin(), model.cardinalities.end())));

    const std::int64_t factors = reader.integer("the number of factors", 0, 100 * most_variables);
    std::vector<std::vector<std::uint32_t>> scopes;
    for (std::int64_t factor = 0; factor < factors; ++factor) {
        scopes.push_back(read_scope(reader, model, factor));
        if (bayes && scopes.back().empty())
            reader.fail("factor " + std::to_string(factor) +
                        " has no variables; in a BAYES file its last variable is the one described");
    }
    for (std::size_t factor = 0; factor < scopes.size(); ++factor) {
        std::vector<double> table = read_table(reader, model, scopes[factor], factor);
        if (bayes) check_conditional(reader, table, model.cardinalities[scopes[factor].back()], factor);
        for (double& value : table) value = std::log(value);
        model.factors.emplace_back(std::move(scopes[factor]), std::move(table));
    }
    reader.end();
    return model;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> read_evidence(const std::string& path, const Model& model) {
    TextReader reader(path);
    const auto variables = static_cast<std::int64_t>(model.cardinalities.size());
    std::vector<bool> seen(model.cardinalities.size(), false);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> observed;
    const std::int64_t count = reader.integer("the number of observed variables", 0, variables);
    for (std::int64_t i = 0; i < count; ++i) {
        const auto variable = static_cast<std::uint32_t>(reader.integer("an observed variable", 0, variables - 1));
        if (seen[variable]) reader.fail("variable " + number(variable) + " is observed twice; give each variable once");
        seen[variable] = true;
        observed.emplace_back(variable,
                              static_cast<std::uint32_t>(reader.integer("the value of variable " + number(variable), 0,
                                                                        model.cardinalities[variable] - 1)));
    }
    reader.end();
    return observed;
}

}  // namespace uai
