// Which form inference writes its answer in: by --format, by the ending of --out, or by what reads standard output.
#pragma once

#include <span>
#include <string>

#include "kernel/wire/state_format.h"

namespace marginalia {

// A form by its name, as --format and the endings of files give it. The first of a verb's list is its form for a pipe.
struct FormatName {
    const char* name;  // "csv", of files that end in .csv
    StateFormat format;
};

// The forms of states; the form for a pipe is text.
inline constexpr FormatName state_formats[] = {
    {"text", StateFormat::text}, {"csv", StateFormat::csv}, {"json", StateFormat::json},    {"npy", StateFormat::npy},
    {"png", StateFormat::png},   {"svg", StateFormat::svg}, {"blocks", StateFormat::screen}};

// `pictures`: whether a terminal is shown more than characters. `screen`: the verb has a form for a terminal, taken
// where standard output is one. Throws Error for a name or ending that is not in the list, and for .npy and .png where
// standard output is a terminal. "-" and no file are standard output.
OutputRequest choose_output(const std::string& format, const std::string& file, std::span<const FormatName> names,
                            bool screen, PictureWish pictures = PictureWish::never);

}  // namespace marginalia
