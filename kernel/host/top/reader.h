// Reads of the store what the chosen page shows, and no more of it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/host/results/results.h"
#include "kernel/host/top/pages.h"

namespace marginalia::top {

// Of one store, which it is given anew for each page.
class Reader {
public:
    // Settles the choices: the chosen line, the metric where none was asked for.
    TablePage table(store::Store& store, Choices& choices, Size size);
    // `choices.chosen` is a trial; an empty page where it is gone.
    std::optional<TrialPage> trial(store::Store& store, Choices& choices, Size size);

    // What keys are pressed upon, as it was read last.
    const Shown& shown() const { return shown_; }

private:
    void read_order(store::Store& store, Choices& choices, Size size);
    std::vector<Row> rows_of(store::Store& store, const std::vector<store::TrialId>& trials,
                             const store::LiveMetric& metric);
    const std::vector<std::string>& keys_of(store::Store& store, const std::string& experiment);

    Shown shown_;
    // Experiment -> the keys that tell its trials apart, and how many trials it had when they were found.
    std::map<std::string, std::pair<std::int64_t, std::vector<std::string>>> keys_;
    std::vector<store::TrialCount> counts_;
};

}  // namespace marginalia::top
