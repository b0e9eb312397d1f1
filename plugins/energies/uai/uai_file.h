// Models and evidence in the text format of the UAI inference competitions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "factor-graph/model.h"

namespace uai {

struct ModelFile {
    factor_graph::Model model;
    std::string note;        // what was done about rows that do not add up to 1; else empty
    bool zero_rows = false;  // of a BAYES file: some add up to 0
};

// A MARKOV or BAYES file: the word, the number of variables, their cardinalities, the number of factors, the scope of
// each (its size and its variables, from 0), then the table of each (its size and its entries, the last variable the
// fastest). Lines that begin with c and what follows a # are comments. Where the format leaves limits open: 1 to 255
// values a variable, tables of at most 2^24 entries over at most 1000 variables, no variable twice in a scope. The
// tables of a BAYES file are conditional: its last variable's entries add up to 1; they are normalised where rounding
// took up to 0.05, and may be all 0. Throws Error "FILE:LINE:COLUMN: what is wrong".
ModelFile read_model(const std::string& path);

// The observed variables and their values: how many, then each with its value (UAI 2014 to 2022), or the number of
// samples, one, and then this (UAI 2008 and 2010). Throws Error where a file can be read in both ways, and where it
// holds several samples.
std::vector<std::pair<std::uint32_t, std::uint32_t>> read_evidence(const std::string& path,
                                                                   const factor_graph::Model& model);

}  // namespace uai
