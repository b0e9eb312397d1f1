#include "unet_design.h"

#include <marginalia/lists.h>

namespace marginalia {

namespace {

struct Preset {
    const char *channels, *blocks, *attention;
    std::int64_t patch, heads, group_channels;
};

constexpr Preset paper{"256", "4", "3", 1, 4, 8};
constexpr Preset cpu{"64,128", "2,4", "0,2", 2, 4, 16};

constexpr std::int64_t most = 65536;

[[noreturn]] void refuse(const std::string& key, const std::string& text, const std::string& why) {
    throw Error("network 'unet': " + key + " = \"" + text + "\" " + why);
}

// Whole numbers divided by commas, blanks allowed around them.
std::vector<std::int64_t> numbers(const std::string& key, const std::string& text, std::int64_t least) {
    if (const auto list = marginalia::whole_numbers(text, least, most)) return *list;
    refuse(key, text,
           "is not a list of whole numbers from " + std::to_string(least) + " to " + std::to_string(most) +
               ", such as \"32,64,128\"");
}

class Reader {
public:
    Reader(const Params& params, const Preset& preset) : params_(params), preset_(preset) {}

    UnetDesign read(const Layout& layout) const {
        const auto channels = numbers("channels", text("channels", preset_.channels), 1);
        const auto blocks = each("blocks", preset_.blocks, channels.size(), 1);
        const auto attention = each("attention", preset_.attention, channels.size(), 0);
        UnetDesign design{.levels = {},
                          .patch = patch(layout),
                          .heads = integer("heads", preset_.heads),
                          .group_channels = integer("group_channels", preset_.group_channels),
                          .periodic = layout.periodic};
        for (std::size_t l = 0; l < channels.size(); ++l) {
            design.levels.push_back({channels[l], blocks[l], attention[l]});
            check(design.levels.back(), design.heads);
        }
        return design;
    }

private:
    std::string text(const char* key, const char* fallback) const {
        return params_.text(key).empty() ? fallback : params_.text(key);
    }
    std::int64_t integer(const char* key, std::int64_t fallback) const {
        return params_.integer(key) == 0 ? fallback : params_.integer(key);
    }

    std::int64_t patch(const Layout& layout) const {
        const std::int64_t given = params_.integer("patch");
        const auto wraps = [&](std::int64_t size) {
            return !layout.periodic || (layout.shape[0] % size == 0 && layout.shape[1] % size == 0);
        };
        if (given == 0) return params_.text("channels").empty() && wraps(preset_.patch) ? preset_.patch : 1;
        if (!wraps(given))
            throw Error("network 'unet': patch = " + std::to_string(given) +
                        " does not divide the periodic lattice of " + std::to_string(layout.shape[0]) + " x " +
                        std::to_string(layout.shape[1]) + " sites; give one that does, or 1");
        return given;
    }

    // One number a resolution.
    std::vector<std::int64_t> each(const char* key, const char* fallback, std::size_t levels,
                                   std::int64_t least) const {
        const std::string given = text(key, fallback);
        auto list = numbers(key, given, least);
        if (list.size() == 1) list.resize(levels, list.front());
        if (list.size() != levels)
            refuse(key, given,
                   "has " + std::to_string(list.size()) + " numbers and channels has " + std::to_string(levels) +
                       "; give one for each resolution, or one for all");
        return list;
    }

    void check(const UnetLevel& level, std::int64_t heads) const {
        if (level.attentions > level.blocks)
            refuse("attention", text("attention", preset_.attention),
                   "asks for " + std::to_string(level.attentions) + " attentions after " +
                       std::to_string(level.blocks) + " blocks; give more blocks or fewer attentions");
        if (level.attentions > 0 && level.channels % heads != 0)
            throw Error("network 'unet': heads = " + std::to_string(heads) + " does not divide the " +
                        std::to_string(level.channels) +
                        " channels of a resolution with attention; change heads or channels");
    }

    const Params& params_;
    const Preset& preset_;
};

}  // namespace

UnetDesign unet_design(const Params& params, const Layout& layout) {
    return Reader(params, params.text("preset") == "paper" ? paper : cpu).read(layout);
}

}  // namespace marginalia
