#include "kernel/host/run/device_pool.h"

#include <algorithm>

namespace marginalia {
namespace {

constexpr double whole_device = 1 + 1e-9;  // three thirds are one

}  // namespace

DevicePool::DevicePool(const std::vector<std::int64_t>& memory, int cores) : cores_(cores) {
    for (const std::int64_t bytes : memory) accounts_.push_back({.memory = bytes});
}

bool DevicePool::could_hold(std::size_t device, const Ask& ask) const {
    const Account& account = accounts_[device];
    return !account.retired && (account.memory == 0 || ask.memory <= account.memory);
}

bool DevicePool::has_room(std::size_t device, const Ask& ask) const {
    const Account& account = accounts_[device];
    if (account.alone || (ask.alone && account.trials > 0)) return false;
    if (account.fraction + ask.fraction > whole_device) return false;
    if (trials_ > 0 && cores_taken_ + ask.cores > cores_) return false;
    return could_hold(device, {.memory = account.promised + ask.memory});
}

// What trials have not taken yet of what they were promised is spoken for. What is used beyond all promises is left
// over from trials that have ended.
bool DevicePool::is_free(std::size_t device, const Ask& ask, std::int64_t held) const {
    const Account& account = accounts_[device];
    if (!ask.measured || account.used < 0) return true;
    const std::int64_t ours = std::max<std::int64_t>(0, account.used - account.foreign);
    const std::int64_t due = std::max<std::int64_t>(0, account.promised - ours);
    const std::int64_t left_over = std::max<std::int64_t>(0, ours - account.promised);
    return ask.memory <= account.memory - account.used - due + std::min(held, left_over);
}

void DevicePool::take(std::size_t device, const Ask& ask) {
    Account& account = accounts_[device];
    account.promised += ask.memory;
    account.fraction += ask.fraction;
    account.alone = ask.alone;
    ++account.trials;
    cores_taken_ += ask.cores;
    ++trials_;
}

void DevicePool::give_back(std::size_t device, const Ask& ask) {
    Account& account = accounts_[device];
    account.promised -= ask.memory;
    account.fraction -= ask.fraction;
    account.alone = false;
    --account.trials;
    cores_taken_ -= ask.cores;
    --trials_;
}

void DevicePool::observe(std::size_t device, const DeviceMemory& now, bool without_us) {
    Account& account = accounts_[device];
    account.memory = now.total;
    account.used = now.total - now.free;
    account.foreign = without_us ? account.used : std::min(account.foreign, account.used);
}

bool DevicePool::all_retired() const {
    return std::all_of(accounts_.begin(), accounts_.end(), [](const Account& account) { return account.retired; });
}

}  // namespace marginalia
