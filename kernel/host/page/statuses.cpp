#include "kernel/host/page/statuses.h"

#include <string>
#include <string_view>

#include "store/store.h"

namespace marginalia::page {
namespace {

std::string_view meaning_of(store::Status status) {
    using Status = store::Status;
    switch (status) {
        case Status::queued: return "waits for its turn";
        case Status::running: return "is being trained or evaluated";
        case Status::done: return "is trained and evaluated";
        case Status::failed: return "ended with an error; its reason is shown";
        case Status::timeout: return "took longer than the experiment allows";
        case Status::oom: return "needed more memory than there was";
        case Status::preempted: return "was stopped by a signal; the next run goes on from its checkpoint";
        case Status::lost: return "its process has vanished; the next run goes on from its checkpoint";
        case Status::pruned: return "was ended early, as others were better";
        case Status::cancelled: return "was given up by a person";
        case Status::paused: return "was stopped after a checkpoint until it is let go on";
    }
    return {};
}

}  // namespace

Json statuses_json() {
    constexpr std::string_view moods[] = {"plain", "good", "warn", "bad"};  // of each Mood
    Json statuses = Json::object();
    for (std::size_t i = 0; i < std::size(store::statuses); ++i)
        statuses[std::string(store::statuses[i].name)] = {
            {"mood", moods[static_cast<std::size_t>(store::statuses[i].mood)]},
            {"means", meaning_of(static_cast<store::Status>(i))}};
    return statuses;
}

}  // namespace marginalia::page
