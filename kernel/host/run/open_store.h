// How the acting verbs come to their store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "kernel/host/run/progress.h"
#include "kernel/host/run/signals.h"
#include "store/store.h"

namespace marginalia {

// Opens a store to write, of an older layout too. `patience` as in store::Store::open.
store::Store open_store(const std::filesystem::path& store, store::Patience patience = {});

// The same for a store that there must be.
store::Store open_known_store(const std::filesystem::path& store);

// A trial's config as stores before layout 3 have it, taken apart; nullopt where it is none.
std::optional<store::ConfigParts> config_parts(const std::string& config);

// Brings a store of an older layout up to date, which only writers may, before anything is read of it. There need not
// be one. Throws store::StoreError.
void bring_up_to_date(const std::filesystem::path& store);

// Waits for a store that another program holds locked, and says so. Ends with a signal, which it leaves in `signal`.
// All that it is given must outlive it.
store::Patience wait_for_lock(const std::filesystem::path& store, Progress& progress, StopSignals& signals,
                              int& signal);

}  // namespace marginalia
