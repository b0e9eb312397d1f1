// How the acting verbs come to their store.
#pragma once

#include <filesystem>

#include "kernel/host/run/progress.h"
#include "kernel/host/run/signals.h"
#include "store/patience.h"

namespace marginalia {

// Brings a store of an older layout up to date, which only writers may, before anything is read of it. There need not
// be one. Throws store::StoreError.
void bring_up_to_date(const std::filesystem::path& store);

// Waits for a store that another program holds locked, and says so. Ends with a signal, which it leaves in `signal`.
// All that it is given must outlive it.
store::Patience wait_for_lock(const std::filesystem::path& store, Progress& progress, StopSignals& signals,
                              int& signal);

}  // namespace marginalia
