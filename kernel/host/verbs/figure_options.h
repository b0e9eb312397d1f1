// What `marginals` can be asked of regions and pairs of sites.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel/host/verbs/verb.h"
#include "kernel/wire/inference_request.h"

namespace marginalia {

// As typed.
struct FigureOptions {
    std::vector<std::string> regions;  // "A=rows 0-3"
    std::vector<std::pair<std::string, std::string>> between;
    std::vector<std::string> pairs;  // "0,5"
    bool correlations = false, free_energy = false, exact = false;

    // Whether any figure is asked for.
    bool any() const { return correlations || free_energy || !regions.empty() || !between.empty() || !pairs.empty(); }
};

void add_figure_options(CLI::App* verb, FigureOptions& options);

// What they ask for. Which sites a region has, the worker reads, which knows their layout. Throws Error for names and
// pairs that are none.
FiguresRequest read_figures(const FigureOptions& options);

}  // namespace marginalia
