// An energy for the scheduler's tests: its parameters tell the fake worker's trials how to behave.
#include <marginalia/energy.h>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "behaviour",
     .type = ParameterType::text,
     .fallback = "\"normal\"",
     .choices = "normal|throw|throw-once|crash|sleep|exit|out-of-memory|kill-itself|babble|babble-and-sleep|"
                "device-fault|device-fault-once|device-lost-once|says-device-lost|not-finite|print|flood|fork|"
                "close-descriptors|leak",
     .help = "what the trial does half-way"},
    {.name = "at_full_rate",
     .type = ParameterType::text,
     .fallback = "\"normal\"",
     .choices = "normal|not-finite",
     .help = "the same, unless it goes on with a part of its learning rate"},
    {.name = "step_milliseconds", .type = ParameterType::number, .fallback = "0.0", .help = "time a step takes"},
    {.name = "checkpoint_every", .type = ParameterType::integer, .fallback = "5", .unit = "steps", .help = "0: never"},
    {.name = "checkpoint_megabytes", .type = ParameterType::number, .fallback = "0.0", .help = "size of a checkpoint"},
    {.name = "device_megabytes", .type = ParameterType::number, .fallback = "0.0", .help = "it takes of its device"},
    {.name = "variant", .type = ParameterType::integer, .fallback = "0", .help = "makes trials differ"},
    {.name = "mark", .type = ParameterType::path, .fallback = "\"mark\"", .help = "file that throw-once leaves behind"},
    {.name = "bytes",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "what babble writes into the worker's pipe, in hexadecimal"},
};

struct FakeEnergy final : marginalia::Energy {
    explicit FakeEnergy(const marginalia::Params&) : Energy(4, 2) {}
    double log_density(marginalia::State) const override { return 0; }
};

}  // namespace

MARGINALIA_ENERGY(FakeEnergy, "fake", "for tests of the scheduler", "", parameters);
