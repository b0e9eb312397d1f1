// The shape of a U-Net as its parameters give it.
#pragma once

#include <marginalia/params.h>
#include <marginalia/states.h>

#include <string>
#include <vector>

namespace marginalia {

struct UnetLevel {
    std::int64_t channels = 0;
    std::int64_t blocks = 0;      // residual blocks on the way down, and as many on the way up
    std::int64_t attentions = 0;  // after the first so many of them, each way
};

struct UnetDesign {
    std::vector<UnetLevel> levels;  // from the highest resolution down, never empty
    std::int64_t patch = 1;         // sites across a place of the highest resolution
    std::int64_t heads = 0;
    std::int64_t group_channels = 0;  // of group norms; where it does not divide the channels, what both have in common
    bool periodic = false;

    std::int64_t site_width() const { return (levels.front().channels + patch - 1) / patch; }  // features of a site
};

// The preset with what the parameters give in its place; of presets with patches, single sites where channels are given
// or the patch does not divide a periodic lattice. Throws Error naming the parameter that does not fit.
UnetDesign unet_design(const Params& params, const Layout& layout);

}  // namespace marginalia
