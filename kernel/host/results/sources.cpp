#include "kernel/host/results/sources.h"

#include <algorithm>
#include <cstddef>

#include "kernel/host/results/stored_json.h"
#include "kernel/host/results/text.h"

namespace marginalia {

std::string CitedSources::mark(const PaperRow& row) {
    const std::string source = row.cite + (row.hardware.empty() ? "" : "; " + row.hardware) +
                               (row.second_hand ? "; read in a summary of it" : "");
    const auto found = std::ranges::find(known_, source);
    const auto number = found - known_.begin() + 1;
    if (found == known_.end()) known_.push_back(source);
    return std::to_string(number);
}

std::vector<std::string> CitedSources::notes() const {
    std::vector<std::string> notes;
    for (std::size_t i = 0; i < known_.size(); ++i) notes.push_back("[" + std::to_string(i + 1) + "] " + known_[i]);
    return notes;
}

std::string hardware_of(store::Store& store, store::TrialId trial) {
    const store::TrialDetails details = store::trial_details(store, trial);
    if (!details.hardware.name.empty()) return details.hardware.name;
    const std::string cores = details.threads > 0 ? count_text(static_cast<std::size_t>(details.threads), "core") : "";
    const auto record = stored_json<nlohmann::json>(details.sweep.provenance);
    const auto found = record.find("cpu");
    const std::string cpu = found != record.end() && found->is_string() ? found->get<std::string>() : "";
    return cores + (cores.empty() || cpu.empty() ? "" : ", ") + cpu;
}

}  // namespace marginalia
