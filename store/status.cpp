#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/error.h"
#include "store/store.h"

namespace marginalia::store {

namespace {

constexpr std::array<std::string_view, 10> names{"queued", "running",   "done", "failed", "timeout",
                                                 "oom",    "preempted", "lost", "pruned", "cancelled"};

}  // namespace

std::string_view name_of(Status status) { return names[static_cast<std::size_t>(status)]; }

std::optional<Status> find_status(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? std::nullopt : std::optional(static_cast<Status>(found - names.begin()));
}

Status status_named(std::string_view name) {
    if (const auto status = find_status(name)) return *status;
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("there is no status '{}'; a trial is one of queued, running, done, failed, "
                                 "timeout, oom, preempted, lost, pruned, cancelled",
                                 name));
}

}  // namespace marginalia::store
