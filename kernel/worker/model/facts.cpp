#include "kernel/worker/model/facts.h"

#include <fmt/format.h>

namespace marginalia {

std::string facts_of(const Dataset& dataset) {
    const std::size_t train = dataset.size(Split::train), validation = dataset.size(Split::validation),
                      test = dataset.size(Split::test);
    std::string sides;
    const Layout layout = dataset.layout();
    for (const std::int64_t side : layout.shape) sides += fmt::format("{}{}", sides.empty() ? "" : " x ", side);
    const std::string report = dataset.report();
    if (const auto columns = dataset.site_list(); !columns.empty())
        return fmt::format("{} rows of {} columns: {} for training, {} for validation, {} for the test{}{}",
                           train + validation + test, columns.size(), train, validation, test,
                           report.empty() ? "" : "; ", report);
    return fmt::format(
        "{} rows of {} sites{} and {} categories: {} for training, {} for validation, {} for the test{}{}",
        train + validation + test, dataset.sites(), layout.shape.size() > 1 ? " (" + sides + ")" : "",
        dataset.categories(), train, validation, test, report.empty() ? "" : "; ", report);
}

}  // namespace marginalia
