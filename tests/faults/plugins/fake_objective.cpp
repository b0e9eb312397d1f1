// Fills the place of the objective in experiments for the fake worker, which never makes one.
#include <array>

#include <marginalia/torch_tag.h>

namespace {

constexpr std::array<marginalia::Parameter, 0> parameters{};
void make_nothing() {}

}  // namespace

MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "objective", "fake", "for tests of the scheduler", "", parameters,
                  &make_nothing, "");
