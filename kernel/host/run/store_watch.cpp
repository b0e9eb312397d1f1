#include "kernel/host/run/store_watch.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace marginalia {
namespace {

constexpr auto between_dead = std::chrono::seconds(1);  // between two looks for hosts that are gone
constexpr int rest = 10;                                // times as long as a look took, until the next

}  // namespace

struct StoreWatch::Box {
    explicit Box(std::string json) : trials(std::move(json)) {}

    const std::string trials;  // JSON
    // Of the writer's thread:
    std::int64_t version = -1;  // of what was seen last
    bool stale = false;         // somebody has written since the last look
    Clock::time_point look_at{};

    std::mutex mutex;
    bool asked = false;              // guarded by mutex, as is the next
    std::optional<StoreNews> found;  // stays until it is taken: a batch may be rolled back and come again

    void look(store::Store& store, bool again, bool for_dead) {
        if (for_dead) store.mark_lost();
        const auto now = store::data_version(store);
        stale |= std::exchange(version, now) != now;
        const auto began = Clock::now();
        std::optional<StoreNews> news;
        if (again || for_dead || (stale && began >= look_at)) {
            news = StoreNews{store::pending_requests(store), store::open_trials(store, trials)};
            stale = false;
            look_at = Clock::now() + rest * (Clock::now() - began);
        }
        const std::lock_guard lock(mutex);
        if (news) found = std::move(news);
        asked = false;
    }
};

StoreWatch::StoreWatch(store::Writer& writer, const std::vector<store::TrialId>& trials)
    : writer_(writer), box_(std::make_shared<Box>(nlohmann::json(trials).dump())) {}

std::optional<StoreNews> StoreWatch::news(bool others_run) {
    const std::lock_guard lock(box_->mutex);
    auto found = std::exchange(box_->found, std::nullopt);
    if (found) found->number = number_;
    if (std::exchange(box_->asked, true)) return found;
    const auto now = Clock::now();
    const bool for_dead = others_run && now - dead_looked_for_ >= between_dead;
    if (for_dead) dead_looked_for_ = now;
    number_ = writer_.run([box = box_, again = std::exchange(again_, false), for_dead](store::Store& store) {
        box->look(store, again, for_dead);
    });
    return found;
}

}  // namespace marginalia
