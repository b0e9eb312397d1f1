#include "kernel/host/verbs/output_choice.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/files.h>
#include <unistd.h>

#include <cstdlib>

#include "kernel/base/output_file.h"
#include "kernel/base/standard_output.h"
#include "kernel/base/terminal.h"
#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

// "csv, json or npy"
std::string format_names(std::span<const FormatName> names, const std::string& before) {
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i)
        list += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + before + names[i].name;
    return list;
}

const FormatName* named(std::span<const FormatName> names, const std::string& name) {
    for (const FormatName& each : names)
        if (name.size() == std::string_view(each.name).size() && has_ending(name, each.name)) return &each;
    return nullptr;
}

StateFormat format_of_file(const std::string& file, std::span<const FormatName> names) {
    if (names.back().format == StateFormat::screen) names = names.first(names.size() - 1);  // no ending says so
    for (const FormatName& each : names)
        if (has_ending(file, std::string(".") + each.name) ||
            (each.format == StateFormat::text && has_ending(file, ".txt")))
            return each.format;
    std::string endings = format_names(names, ".");
    if (const auto at = endings.find(".text"); at != std::string::npos) endings.replace(at, 5, ".txt");
    throw Error(fmt::format("{}: its ending names no format; end it in {}, or give --format", file, endings));
}

Terminal terminal(PictureWish pictures) {
    const char* kind = std::getenv("TERM");
    const bool dumb = !kind || !*kind || std::string_view(kind) == "dumb";
    const Screen found = screen();
    return {found.width > 0 ? found.width : 80, found.colour && !dumb, locale_is_utf8() && !dumb, true,
            terminal_pictures(pictures)};
}

}  // namespace

OutputRequest choose_output(const std::string& format, const std::string& place, std::span<const FormatName> names,
                            bool screen, PictureWish pictures) {
    const std::string file = Output::is_standard(place) ? "" : place;
    OutputRequest output{names.front().format, file, {}};
    if (!format.empty()) {
        const FormatName* found = named(names, format);
        if (!found) throw Error(fmt::format("'{}' is not a format; choose {}", format, format_names(names, "")));
        output.format = found->format;
        if (found->format == StateFormat::screen) output.terminal = terminal(PictureWish::never);
    } else if (!file.empty()) {
        output.format = format_of_file(file, names);
    } else if (screen && isatty(STDOUT_FILENO)) {
        output.format = StateFormat::screen;
        output.terminal = terminal(pictures);
    }
    output.terminal.shown = file.empty() && isatty(STDOUT_FILENO);
    if (file.empty() && (output.format == StateFormat::npy || output.format == StateFormat::png))
        refuse_terminal("--format " + format);
    return output;
}

}  // namespace marginalia
