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
largest number of values of a variable; symbols beyond a variable's own values have log f = -infinity, and so have
entries of 0 and, with an evidence file, other values of an observed variable: log Z is then the log-probability of the
evidence.

Lines that begin with c and what follows a # are comments. The rows of a BAYES table that rounding took up to 0.05 away from 1 are
normalised, which `run` and `show` say; rows of zeros must be under impossible values of the parents. Evidence is a line of
the competitions of 2014 to 2022, or has the number of samples, 1, before it, as those of 2008 and 2010.

Where variable elimination fits (tables of at most 2^22 entries in the order that is found), log Z, the entropy, the
log-marginals of partial states and independent samples are exact; other models offer none of them.

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
