// An energy in three versions, for the test that trials outlive their plugin's parameters: version 2 has gained `tilt`,
// whose default is not what version 1 did; version 3 has lost `field`.
#include <marginalia/energy.h>

#include <cmath>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
#if GROWING_VERSION < 3
    {.name = "field", .type = ParameterType::number, .fallback = "0.5", .help = "log-odds of a site's symbol 1"},
#endif
#if GROWING_VERSION == 2
    {.name = "tilt",
     .type = ParameterType::number,
     .fallback = "1",
     .help = "added to the field of the first site",
     .absent = "0"},
#endif
    {.name = "sites", .type = ParameterType::integer, .fallback = "4", .minimum = 1, .maximum = 16, .help = "sites"},
};

class GrowingEnergy final : public marginalia::Energy {
public:
    explicit GrowingEnergy(const marginalia::Params& p) : Energy(p.integer("sites"), 2) {
#if GROWING_VERSION < 3
        field_ = p.number("field");
#endif
#if GROWING_VERSION == 2
        tilt_ = p.number("tilt");
#endif
    }

    double log_density(marginalia::State x) const override {
        double sum = tilt_ * x[0];
        for (const std::uint8_t symbol : x) sum += field_ * symbol;
        return sum;
    }

private:
    double field_ = 0.5, tilt_ = 0;
};

}  // namespace

MARGINALIA_ENERGY(GrowingEnergy, "growing", "for tests of parameters that come and go", "", parameters);
