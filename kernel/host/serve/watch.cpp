#include "kernel/host/serve/watch.h"

#include <chrono>

#include "store/error.h"
#include "store/requests.h"

namespace marginalia::serve {
namespace {

constexpr auto between_looks = std::chrono::milliseconds(500);

std::int64_t now_in_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Watch::Watch(std::filesystem::path store, std::function<void()> changed)
    : file_(std::move(store)), changed_(std::move(changed)), revision_(now_in_ms()), thread_([this] { run(); }) {}

Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    stopping_.notify_all();
    thread_.join();
}

Watch::Seen Watch::look() {
    try {
        if (store_ && store_->has_moved()) store_.reset();
        if (!store_) {
            store_.emplace(store::Store::open_to_read(file_));
            ++opened_;
        }
        return {opened_, store::data_version(*store_)};
    } catch (const store::StoreError&) {
        store_.reset();
        return {opened_, std::nullopt};
    }
}

void Watch::run() {
    Seen seen = look();
    std::unique_lock lock(mutex_);
    while (!stopping_.wait_for(lock, between_looks, [this] { return stopped_; })) {
        lock.unlock();
        if (const Seen now = look(); now != seen) {
            seen = now;
            ++revision_;
            changed_();
        }
        lock.lock();
    }
}

}  // namespace marginalia::serve
