// Keeps every value that it computed, without a lock.
// expect: threads do not disturb one another | while other threads called it || the plugin
#include <algorithm>
#include <string>
#include <unordered_map>

#include "faulty_energy.h"

struct Fault final : Energy {
    explicit Fault(const Params&) : Energy(12, 2) {}
    double log_density(State x) const override {
        const std::string key(x.begin(), x.end());
        const auto found = memo.find(key);
        if (found != memo.end()) return found->second;
        return memo[key] = 0.5 * static_cast<double>(std::count(x.begin(), x.end(), 1));
    }
    mutable std::unordered_map<std::string, double> memo;
};

MARGINALIA_ENERGY(Fault, "energy-memo", "a table of values that threads share", "", no_parameters);
