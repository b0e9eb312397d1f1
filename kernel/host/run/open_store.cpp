#include "kernel/host/run/open_store.h"

#include "kernel/spec/identity.h"

namespace marginalia {
namespace {

constexpr auto lock_silence = std::chrono::seconds(2);  // a longer lock is reported

}  // namespace

std::optional<store::ConfigParts> config_parts(const std::string& config) {
    const auto whole = nlohmann::json::parse(config, nullptr, false);
    if (!whole.is_object()) return std::nullopt;
    const SplitConfig split = split_config(whole);
    if (split.evaluation.empty()) return std::nullopt;
    return store::ConfigParts{split.training.dump(), split.hash, split.evaluation.dump(), split.evaluation_hash};
}

store::Store open_store(const std::filesystem::path& store, store::Patience patience) {
    return store::Store::open(store, std::move(patience), config_parts);
}

store::Store open_known_store(const std::filesystem::path& store) {
    if (!std::filesystem::exists(store)) store::Store::open_to_read(store);  // which says so
    return open_store(store);
}

void bring_up_to_date(const std::filesystem::path& store) {
    if (std::filesystem::is_regular_file(store)) open_store(store);
}

store::Patience wait_for_lock(const std::filesystem::path& store, Progress& progress, StopSignals& signals,
                              int& signal) {
    return [&store, &progress, &signals, &signal, said = false](std::chrono::milliseconds waited) mutable {
        if (!said && waited >= lock_silence) {
            said = true;
            progress.line("store " + store.string() + " is locked by another program; the run begins when it is free");
        }
        signal = signals.next();
        return signal == 0;
    };
}

}  // namespace marginalia
