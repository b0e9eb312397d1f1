// Models and evidence in the text format of the UAI inference competitions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "factor-graph/model.h"

namespace uai {

// A MARKOV or BAYES file: the word, the number of variables, their cardinalities, the number of factors, the scope of
// each (its size and its variables, from 0), then the table of each (its size and its entries, the last variable the
// fastest). Where the format leaves limits open: 1 to 255 values a variable, tables of at most 2^24 entries over at
// most 1000 variables, no variable twice in a scope; the tables of a BAYES file must be conditional: its last
// variable's entries add up to 1. Throws Error "FILE:LINE:COLUMN: what is wrong".
factor_graph::Model read_model(const std::string& path);

// The number of observed variables, then each of them with its value.
std::vector<std::pair<std::uint32_t, std::uint32_t>> read_evidence(const std::string& path,
                                                                   const factor_graph::Model& model);

}  // namespace uai
