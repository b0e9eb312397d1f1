#include "kernel/host/verbs/show_pictures.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <marginalia/error.h>

#include <algorithm>
#include <map>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/verbs/states_drawing.h"

namespace marginalia {
namespace {

constexpr std::size_t most_pictures = 8, widest = 80, tallest = 24;
constexpr std::int64_t most_bytes = 4 << 20;

std::string drawing_of(store::Store& store, store::TrialId trial, const std::string& name) {
    for (const store::Sample& sample : store::samples_of(store, trial, name, true))
        return sample.kind == "svg" ? sample.data : states_drawing(sample.data);
    return {};
}

// What cannot be drawn must not keep the rest from being shown.
std::string codes_of(const std::string& drawing, const TerminalPictures& pictures) {
    const std::size_t width = screen().width;
    try {
        return drawn_in_terminal(drawing, pictures, std::clamp<std::size_t>(width, 1, widest), tallest);
    } catch (const Error& error) {
        return std::string("  ") + error.what() + '\n';
    }
}

}  // namespace

void print_pictures(store::Store& store, const store::TrialDetails& details, const TerminalPictures& pictures,
                    std::ostream& out) {
    std::map<std::string, store::SampleInfo> newest;
    for (const store::SampleInfo& sample : details.samples)
        if (sample.kind == "svg" || sample.kind == "states") newest[sample.name] = sample;
    std::size_t shown = 0, left_out = 0;
    for (const auto& [name, sample] : newest) {
        if (shown == most_pictures || sample.bytes > most_bytes) {
            ++left_out;
            continue;
        }
        const std::string drawing = drawing_of(store, details.trial.id, name);
        if (drawing.empty()) continue;
        fmt::print(out, "\n{} at step {}\n{}", printable(name), sample.step, codes_of(drawing, pictures));
        ++shown;
    }
    if (left_out > 0)
        fmt::print(out, "{} not shown; --pictures FOLDER writes drawings as files\n", count_text(left_out, "picture"));
}

}  // namespace marginalia
