// Fills the place of the objective in experiments for the fake worker, which never makes one.
#include <marginalia/torch_tag.h>

namespace {

constexpr marginalia::Parameter parameters[] = {
    {.name = "fails", .type = marginalia::ParameterType::boolean, .fallback = "false", .help = "the trial, half-way"},
};
void make_nothing() {}

}  // namespace

MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "objective", "fake", "for tests of the scheduler", "", parameters,
                  &make_nothing, "");
