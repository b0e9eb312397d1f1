// An experiment's results beside published ones, as its [table] says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/spec/paper_table.h"
#include "store/queries.h"

namespace marginalia {

// One line of the table, for people and for programs.
struct PaperLine {
    std::string label = {};     // as people see it
    std::string method = {};    // of the row; empty: the limits, or a heading
    std::string source = {};    // "ours", "published", "limit"; empty: a heading
    std::string settings = {};  // what tells this configuration from others of the row
    std::string seeds = {};     // "3", "1/3"; empty: not ours, or none
    std::size_t done = 0;
    std::vector<Cell> figures = {};  // one a column; a value is [mean, standard error]
    std::string instead = {};        // "kl: kl_bound"
    std::string target = {};         // of the row
    std::string cite = {};           // where published figures stand, where the row says so
    std::string hardware = {};       // on which the figures were made, as far as that is known
    bool second_hand = false;        // they were read in a summary of what is cited
};

struct PaperSheet {
    std::vector<PaperLine> lines;
    std::vector<std::string> notes;    // below the table
    std::vector<std::string> missing;  // a sentence for each row without finished trials: which command makes them
};

// A line of ours and a line of the published figures for each row, one line for a row that cites somebody else's
// method, and last the limits. Rows of one target stand together, in the order of the targets' first rows, under a
// heading. A row's trials are those of the newest run of the experiment's file that has such trials; several
// configurations that fit one row get a line each.
// `only`: these trials at most. `newest`: the run of the experiment's file that the table is from.
PaperSheet paper_sheet(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                       const std::optional<std::vector<store::TrialId>>& only);

}  // namespace marginalia
