#include "uai_file.h"

#include <marginalia/files.h>
#include <marginalia/text_reader.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace uai {
namespace {

using factor_graph::Factor;
using factor_graph::Model;
using marginalia::TextReader;

constexpr std::int64_t most_variables = 1000000, largest_scope = 1000;
constexpr std::size_t most_entries = std::size_t{1} << 24;

std::string number(std::size_t index) { return std::to_string(index); }

std::string short_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

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

// The rows of BAYES tables that do not add up to 1, for the note.
struct OddRows {
    std::size_t normalised = 0, zero = 0;
    std::string first_normalised, first_zero;

    std::string note() const {
        std::string text;
        const auto say = [&text](std::size_t count, const std::string& first, const char* what) {
            if (count == 0) return;
            text += (text.empty() ? "" : "; ") +
                    (count == 1 ? first + " " : number(count) + " rows, the first of them " + first + ", ") + what;
        };
        say(normalised, first_normalised, "did not add up to 1 and were normalised");
        say(zero, first_zero, "add up to 0");
        return text;
    }
};

// A BAYES table is a distribution of its last variable for all values of the others; files round to some digits, and
// write zeros under values of the others that are impossible.
void normalise(TextReader& reader, std::vector<double>& table, std::size_t values, std::size_t factor, OddRows& odd) {
    constexpr double most_rounding = 0.05, worth_saying = 1e-6;
    for (std::size_t row = 0; row < table.size(); row += values) {
        double sum = 0;
        for (std::size_t value = 0; value < values; ++value) sum += table[row + value];
        const std::string entries =
            "entries " + number(row) + " to " + number(row + values - 1) + " of factor " + number(factor);
        if (sum == 0) {
            if (odd.zero++ == 0) odd.first_zero = entries;
            continue;
        }
        if (std::abs(sum - 1) > most_rounding)
            reader.fail(entries + " add up to " + std::to_string(sum) +
                        "; in a BAYES file they are a distribution of the last variable and add up to 1");
        for (std::size_t value = 0; value < values; ++value) table[row + value] /= sum;
        if (std::abs(sum - 1) <= worth_saying) continue;
        if (odd.normalised++ == 0) odd.first_normalised = entries + " (" + short_number(sum) + ")";
    }
}

// The numbers of an evidence file, and which of them begin a line.
struct EvidenceNumbers {
    std::vector<std::int64_t> values;
    std::vector<bool> begins_line;
    std::size_t lines = 0;
};

EvidenceNumbers read_numbers(const std::string& path) {
    TextReader reader(path, "", '#', 'c');
    EvidenceNumbers numbers;
    do {
        numbers.begins_line.push_back(numbers.values.empty() || reader.at_new_line());
        numbers.lines += numbers.begins_line.back();
        numbers.values.push_back(
            reader.integer(numbers.values.empty() ? "the number of observed variables" : "a number of the evidence"));
    } while (!reader.at_end());
    return numbers;
}

// Whether `numbers` from `at` on begin with a count and so many variables and values; moves `at` behind them.
bool takes_sample(const std::vector<std::int64_t>& numbers, const Model& model, std::size_t& at) {
    const auto variables = static_cast<std::int64_t>(model.cardinalities.size());
    if (at == numbers.size() || numbers[at] < 0 || numbers[at] > variables) return false;
    const auto count = static_cast<std::size_t>(numbers[at++]);
    if (numbers.size() - at < 2 * count) return false;
    std::vector<std::int64_t> seen;
    for (std::size_t i = 0; i < count; ++i, at += 2) {
        const std::int64_t variable = numbers[at], value = numbers[at + 1];
        if (variable < 0 || variable >= variables || value < 0 ||
            value >= model.cardinalities[static_cast<std::size_t>(variable)])
            return false;
        seen.push_back(variable);
    }
    std::sort(seen.begin(), seen.end());
    return std::adjacent_find(seen.begin(), seen.end()) == seen.end();
}

bool is_one_sample(const EvidenceNumbers& numbers, const Model& model) {
    std::size_t at = 0;
    return takes_sample(numbers.values, model, at) && at == numbers.values.size();
}

// Behind their number; `by_lines`: that number on a line of its own, and so each sample.
bool are_samples(const EvidenceNumbers& numbers, const Model& model, bool by_lines) {
    std::size_t at = 1;
    if (numbers.values[0] < 1 || (by_lines && numbers.lines != static_cast<std::size_t>(numbers.values[0]) + 1))
        return false;
    for (std::int64_t sample = 0; sample < numbers.values[0]; ++sample) {
        if (by_lines && (at == numbers.values.size() || !numbers.begins_line[at])) return false;
        if (!takes_sample(numbers.values, model, at)) return false;
    }
    return at == numbers.values.size();
}

// Whether the file begins with the number of samples. Where no reading is right, the likelier, which then says what is
// wrong.
bool has_number_of_samples(const EvidenceNumbers& numbers, const Model& model, const std::string& path) {
    const bool one = is_one_sample(numbers, model), several = are_samples(numbers, model, false);
    const std::string samples = std::to_string(numbers.values[0]);
    if (one && several && are_samples(numbers, model, true))
        throw marginalia::Error(
            path + ": this can be read as " + samples + " observed variables (UAI 2014 to 2022) or as " + samples +
            " samples of evidence, each on its line (UAI 2008 and 2010); give one sample, on one line: how many "
            "variables are observed, then each with its value");
    if (several && !one && numbers.values[0] > 1)
        throw marginalia::Error(path + ": it holds " + samples +
                                " samples of evidence (UAI 2008 and 2010); give a file of one of them");
    if (one || several) return !one;
    return numbers.values[0] == 1 && numbers.values.size() % 2 == 0;  // a count and pairs are an odd number
}

}  // namespace

ModelFile read_model(const std::string& path) {
    TextReader reader(path, "", '#', 'c');
    const auto kind = reader.word("MARKOV or BAYES");
    const bool bayes = kind == "BAYES";
    if (!bayes && kind != "MARKOV")
        reader.fail("the file should begin with MARKOV or BAYES, not '" + marginalia::visible(kind) + "'");

    ModelFile file;
    Model& model = file.model;
    OddRows odd;
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
        if (bayes) normalise(reader, table, model.cardinalities[scopes[factor].back()], factor, odd);
        for (double& value : table) value = std::log(value);
        model.factors.emplace_back(std::move(scopes[factor]), std::move(table));
    }
    reader.end();
    file.note = odd.note();
    file.zero_rows = odd.zero > 0;
    return file;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> read_evidence(const std::string& path, const Model& model) {
    const bool samples = has_number_of_samples(read_numbers(path), model, path);
    TextReader reader(path, "", '#', 'c');
    if (samples) reader.integer("the number of samples", 1, 1);
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
