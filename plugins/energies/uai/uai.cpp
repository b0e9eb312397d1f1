#include <cmath>

#include "factor-graph/exact_sums.h"
#include "factor-graph/graph_energy.h"
#include "uai_file.h"

namespace uai {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "file", .type = ParameterType::path, .help = "the model, a MARKOV or BAYES file in the UAI format"},
    {.name = "evidence",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "observed variables and their values, an evidence file in the UAI format; empty: none"},
};

constexpr const char* manual = R"(log f(x) = sum over factors log t(x_scope): any discrete graphical model, read from a
file in the format of the UAI inference competitions (MARKOV, or BAYES, whose log Z is 0 without evidence). K is the
largest number of values of a variable, at least 2. log f is -infinity for symbols beyond a variable's own values, for
entries of 0 and, with an evidence file, for other values of an observed variable. With evidence, log Z of a BAYES model
is the log-probability of the evidence, and marginals are posterior ones.

The file has the word MARKOV or BAYES; the number of variables; their numbers of values; the number of factors; for each
factor its scope (how many variables, then these, counted from 0); for each its table (how many entries, then these, the
last variable of the scope changing fastest). Blanks and line ends are alike. Lines that begin with c and what follows
a # are comments. At most 1,000,000 variables of 255 values, 1,000 variables in a scope and 2^24 entries in a table.
What does not fit is refused with line, column and reason.

A BAYES table is a distribution of its last variable. Rows that rounding took up to 0.05 away from 1 are normalised;
from 1e-6 on, `run` and `show` say which. A row of zeros is allowed under impossible values of the parents, and refused
where the exact log Z shows that they are possible. A model with no possible state is refused when log Z is asked for.

An evidence file has one line, the number of observed variables and then each with its value (competitions of 2014 to
2022), or has the number of samples, 1, before it (2008 and 2010). A file that can be read in both ways is refused.

The partial density of a partial state is the sum of the factors whose variables are all known; each unknown variable is
summed out of the factors whose other variables are known. There are no observables.

Where variable elimination fits (at most 50,000 variables, and an order is found whose tables have at most 2^22 entries
each and 2^28 together), log Z, the entropy, log-marginals of partial states and independent samples are exact; other
models offer none of them. A log-density looks up one entry a factor.

References: R. Dechter, Bucket elimination: a unifying framework for reasoning, Artif. Intell. 113, 41 (1999). D.
Koller, N. Friedman, Probabilistic Graphical Models (2009), chapter 9.)";

// A row of zeros is right only under values of the parents that are impossible; else the tables are no distribution.
void check_zero_rows(const ModelFile& file, const std::string& path) {
    constexpr double rounding = 1e-9;
    const auto sums = factor_graph::ExactSums::if_fits(file.model);
    if (sums && sums->log_z() < -rounding)
        throw marginalia::Error(
            path + ": " + file.note +
            ", but their parents' values are possible, so that the tables make no distribution (log Z = " +
            std::to_string(sums->log_z()) + "); correct those rows, or write MARKOV in place of BAYES");
}

ModelFile read(const marginalia::Params& p) {
    ModelFile file = read_model(p.text("file"));
    if (file.zero_rows) check_zero_rows(file, p.text("file"));
    if (p.text("evidence").empty()) return file;
    for (const auto& [variable, value] : read_evidence(p.text("evidence"), file.model)) {
        std::vector<double> only(file.model.cardinalities[variable], -HUGE_VAL);
        only[value] = 0;
        file.model.factors.emplace_back(std::vector{variable}, std::move(only));
    }
    return file;
}

}  // namespace

class Uai final : public factor_graph::GraphEnergy {
public:
    explicit Uai(const marginalia::Params& p) : Uai(read(p)) {}

    std::string report() const override { return note_; }

private:
    explicit Uai(ModelFile file) : GraphEnergy(std::move(file.model)), note_(std::move(file.note)) {}

    const std::string note_;
};

}  // namespace uai

MARGINALIA_ENERGY(uai::Uai, "uai", "any discrete graphical model, from a file in the UAI format", uai::manual,
                  uai::parameters);
