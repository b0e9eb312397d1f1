// Accounts of what running trials have been promised of each device. Knows no process and no driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernel/host/run/devices.h"

namespace marginalia {

// What a trial asks of the device that it runs on.
struct Ask {
    std::int64_t memory = 0;  // bytes; 0: not known
    double fraction = 0;      // of the device
    int cores = 0;            // of the machine
    bool alone = false;       // with nobody else on the device
    bool measured = false;    // its memory must be there and not only be promised to nobody
};

// Not thread-safe.
class DevicePool {
public:
    // `memory`: bytes of each device, 0 where nobody knows; `cores`: of the machine.
    DevicePool(const std::vector<std::int64_t>& memory, int cores);

    // Whether the device could take it if it had nothing else to do.
    bool could_hold(std::size_t device, const Ask& ask) const;
    // Whether what has been promised to others leaves room for it. Where no trial runs at all, any cores will do.
    bool has_room(std::size_t device, const Ask& ask) const;
    // Whether the memory that it asks for is free by the last measurement, all others having taken what they were
    // promised. `held`: bytes at most that its own worker has kept from its last trial and will use again.
    bool is_free(std::size_t device, const Ask& ask, std::int64_t held) const;

    void take(std::size_t device, const Ask& ask);
    void give_back(std::size_t device, const Ask& ask);
    // A measurement. `without_us`: none of our processes is there, so that all that is used is somebody else's.
    void observe(std::size_t device, const DeviceMemory& now, bool without_us);

    void retire(std::size_t device) { accounts_[device].retired = true; }
    void restore(std::size_t device) { accounts_[device].retired = false; }
    bool retired(std::size_t device) const { return accounts_[device].retired; }
    bool all_retired() const;
    int trials(std::size_t device) const { return accounts_[device].trials; }
    std::int64_t memory(std::size_t device) const { return accounts_[device].memory; }
    std::int64_t promised(std::size_t device) const { return accounts_[device].promised; }

private:
    struct Account {
        std::int64_t memory = 0;              // 0: not known
        std::int64_t promised = 0;            // to the trials that run
        std::int64_t used = -1, foreign = 0;  // measured: by anybody, by others than us; -1: not measured
        double fraction = 0;
        int trials = 0;
        bool alone = false, retired = false;
    };
    std::vector<Account> accounts_;
    int cores_, cores_taken_ = 0, trials_ = 0;
};

}  // namespace marginalia
