// What the keys do, and how the columns are to be read.
#include <algorithm>

#include "kernel/host/top/pages.h"

namespace marginalia::top {
namespace {

struct Help {
    const char* key;
    const char* what;
};

constexpr Help lines[] = {
    {"↑ ↓ j k", "choose a trial; PgUp PgDn Space by pages, Home g first, End G last"},
    {"Enter", "its curve; there m M: other metrics, y: logarithmic or not"},
    {"l", "its log"},
    {"s S", "sort by the next of activity, number, metric, progress, left, time; reversed"},
    {"/", "filter by words: a status, a plugin, a part of a name or a tag,"},
    {"", "KEY=VALUE of a config, seed=1; -word: not that one; Esc takes it away"},
    {"m M", "the next metric, the one before"},
    {"c", "cancel the trial; asks first"},
    {"p", "pause it after a checkpoint"},
    {"r", "let it go on, or try it again where it failed"},
    {"Esc q", "back; quit"},
    {"", ""},
    {"rate", "steps a second of training, passes or states of an evaluation"},
    {"left", "of the stage it is at; the second line's estimate is of all trials"},
    {"best", "the final figure; before there is one, the best point of the curve"},
    {"curve", "from left to right by step; × not finite; logarithmic where it"},
    {"", "spans more than two powers of ten"},
};

}  // namespace

Picture help_picture(Size size) {
    Picture picture = {Line(shorten("keys and columns; any key goes back", size.width), Tone::plain, true), Line()};
    constexpr std::size_t indent = 10;
    for (const Help& help : lines) {
        Line line(help.key, Tone::plain, true);
        line.spans.push_back({indent, shorten(help.what, size.width - indent)});
        picture.push_back(std::move(line));
    }
    picture.resize(std::min(picture.size(), size.height));
    return picture;
}

}  // namespace marginalia::top
