// Where the figures of a table come from: what published ones are cited from, and the machine that ours were made on.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/paper_table.h"
#include "store/queries.h"

namespace marginalia {

// Numbers the different sources of a table's rows from 1, in the order in which they are asked for.
class CitedSources {
public:
    std::string mark(const PaperRow& row);   // "3"
    std::vector<std::string> notes() const;  // "[3] SDDS, arXiv 2502.08696, Table 4; one A100", by number

private:
    std::vector<std::string> known_;
};

// "1 core, AMD EPYC 9B14" or "NVIDIA H200": on which the trial last ran. Reads the store.
std::string hardware_of(store::Store& store, store::TrialId trial);

}  // namespace marginalia
