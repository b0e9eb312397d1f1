// An energy that never comes back from one of its exact methods: for the test that evaluation can be stopped all the
// same.
#include <marginalia/energy.h>

#include <chrono>
#include <cmath>
#include <string>
#include <thread>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "where",
     .type = ParameterType::text,
     .fallback = "\"nowhere\"",
     .choices = "nowhere|constructor|log_z|entropy|reference|marginals|slow_marginals|text",
     .help = "the method that does not return"},
};

class BlockingEnergy final : public marginalia::Energy {
public:
    explicit BlockingEnergy(const marginalia::Params& p) : Energy(6, 2), where_(p.text("where")) {
        block("constructor");
    }

    double log_density(marginalia::State) const override { return 0; }
    std::optional<double> log_z() const override {
        block("log_z");
        return 6 * std::log(2.0);
    }
    std::optional<double> entropy() const override {
        block("entropy");
        return 6 * std::log(2.0);
    }
    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count, std::uint64_t) const override {
        block("reference");
        return marginalia::ReferenceSamples{std::vector<std::uint8_t>(count * 6, 1), true, "all the same"};
    }
    bool log_marginals(marginalia::States rows, std::span<double> out) const override {
        block("marginals");
        for (std::size_t row = 0; row < rows.size(); ++row) {
            int known = 0;
            for (const std::uint8_t symbol : rows[row]) known += symbol < 2;
            if (where_ == "slow_marginals")
                std::this_thread::sleep_for(std::chrono::milliseconds(known > 1 ? 1 : 3000));
            out[row] = -known * std::log(2.0);
        }
        return true;
    }
    std::string text(marginalia::State x) const override {
        block("text");
        return Energy::text(x);
    }

private:
    void block(const char* here) const {
        if (where_ == here) std::this_thread::sleep_for(std::chrono::hours(1));
    }

    const std::string where_;
};

}  // namespace

MARGINALIA_ENERGY(BlockingEnergy, "blocking", "for tests of stopping", "", parameters);
