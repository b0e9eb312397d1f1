// Sums over all states of a model by a method that knows its shape, for models that variable elimination cannot take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace factor_graph {

// Threads: any number may call any method at once. What a method finds it finds once, on its first call.
class WholeSum {
public:
    virtual ~WholeSum() = default;

    // log Z in nats. nullopt: it could not be found to the precision that the class promises.
    virtual std::optional<double> log_z() const = 0;

    // log Z - E[log f] in nats. nullopt: as above.
    virtual std::optional<double> entropy() const = 0;

    // Independent states, row after row, the same for the same seed. nullopt: not offered, or as above.
    virtual std::optional<std::vector<std::uint8_t>> samples(std::size_t /*count*/, std::uint64_t /*seed*/) const {
        return std::nullopt;
    }
};

}  // namespace factor_graph
