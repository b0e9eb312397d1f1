// `export --format tensorboard`.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "store/store.h"

namespace marginalia {

// Writes a folder FOLDER/EXPERIMENT/TRIAL for each of the trials that has recorded anything, with one event file
// (kernel/host/results/event_file.h): its curves by the metrics' names, and its final figures as final/NAME at its last
// step. A curve at a time is in memory; a file that is there is replaced. Returns how many were written. Throws Error
// where the folder cannot be made.
std::size_t export_tensorboard(store::Store& store, std::span<const store::TrialId> trials,
                               const std::filesystem::path& folder);

}  // namespace marginalia
