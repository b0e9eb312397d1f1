#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "store/error.h"
#include "store/store.h"

namespace marginalia::store {

std::string status_names(std::string_view separator) {
    return fmt::format("{}", fmt::join(std::views::transform(statuses, &StatusFacts::name), separator));
}

std::optional<Status> find_status(std::string_view name) {
    const auto found = std::ranges::find(statuses, name, &StatusFacts::name);
    return found == std::end(statuses) ? std::nullopt
                                       : std::optional(static_cast<Status>(found - std::begin(statuses)));
}

Status status_named(std::string_view name) {
    if (const auto status = find_status(name)) return *status;
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("there is no status '{}'; a trial is one of {}", name, status_names(", ")));
}

}  // namespace marginalia::store
