#include "kernel/host/run/open_store.h"

#include "store/store.h"

namespace marginalia {
namespace {

constexpr auto lock_silence = std::chrono::seconds(2);  // a longer lock is reported

}  // namespace

void bring_up_to_date(const std::filesystem::path& store) {
    if (std::filesystem::is_regular_file(store)) store::Store::open(store);
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
