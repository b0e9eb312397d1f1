#include <cmath>

#include "factor-graph/graph_energy.h"
#include "uai_file.h"

namespace uai {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "file", .type = ParameterType::path, .help = "the model, a MARKOV or BAYES file in the UAI format"},
    {.name = "evidence", .type = ParameterType::path, .fallback = "\"\"",
     .help = "observed variables and their values, an evidence file in the UAI format; empty: none"},
};

constexpr const char* manual = R"(log f(x) = sum over factors log t(x_scope): any discrete graphical model, read from a
file in the format of the UAI inference competitions (MARKOV, or BAYES, whose log Z is 0 without evidence). K is the
largest number of values of a variable; symbols beyond a variable's own values have log f = -infinity, and so have
entries of 0 and, with an evidence file, other values of an observed variable: log Z is then the log-probability of the
evidence.

Where variable elimination fits (tables of at most 2^22 entries in the order that is found), log Z, the entropy, the
log-marginals of partial states and independent samples are exact; other models offer none of them.

References: R. Dechter, Bucket elimination: a unifying framework for reasoning, Artif. Intell. 113, 41 (1999). D.
Koller, N. Friedman, Probabilistic Graphical Models (2009), chapter 9.)";

factor_graph::Model model_of(const marginalia::Params& p) {
    factor_graph::Model model = read_model(p.text("file"));
    if (p.text("evidence").empty()) return model;
    for (const auto& [variable, value] : read_evidence(p.text("evidence"), model)) {
        std::vector<double> only(model.cardinalities[variable], -HUGE_VAL);
        only[value] = 0;
        model.factors.emplace_back(std::vector{variable}, std::move(only));
    }
    return model;
}

}  // namespace

class Uai final : public factor_graph::GraphEnergy {
public:
    explicit Uai(const marginalia::Params& p) : GraphEnergy(model_of(p)) {}
};

}  // namespace uai

MARGINALIA_ENERGY(uai::Uai, "uai", "any discrete graphical model, from a file in the UAI format", uai::manual,
                  uai::parameters);
