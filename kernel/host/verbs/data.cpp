#include "kernel/host/verbs/data.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/data/cache.h"
#include "kernel/host/data/catalogue.h"
#include "kernel/host/data/get.h"
#include "kernel/host/data/normalise.h"
#include "kernel/host/results/table.h"
#include "kernel/host/verbs/exit_codes.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr const char* get_footer =
    R"(The cache is MARGINALIA_DATA, else $XDG_CACHE_HOME/marginalia, else ~/.cache/marginalia; datasets look
for their files there. A file gets its name only when its checksum is right; a download that was cut short is
gone on with. Standard output is the folder.

Examples:
  marginalia data get mnist-static
  marginalia data get text8 --from ~/Downloads/text8.zip
  marginalia data get moses --from /mnt/datasets --to data/moses

Exit codes: 0 all of it is there, 2 something is missing (the message says which files to put where).)";

constexpr const char* normalise_footer =
    R"(The way text8 was made, after its markup was taken out: small letters a to z and single blanks, each digit as
its English word. Dataset text8 reads the result.

Example:
  marginalia data normalise book.txt -o book)";

struct DataOptions {
    std::string name, from, to;
};

int get_verb(const DataOptions& options, std::ostream& out) {
    const data::DataSet& set = data::set_named(options.name);
    const fs::path folder = options.to.empty() ? data::cache_folder() / set.folder : fs::path(options.to);
    data::get(set, options.from, folder, std::cerr);
    out << folder.string() << '\n';
    return exit_ok;
}

// By sizes alone: `get` looks at checksums.
std::string state_of(const data::DataSet& set, const fs::path& folder) {
    std::size_t there = 0, wrong = 0;
    for (const data::DataFile& file : set.files) {
        std::error_code absent;
        const auto size = fs::file_size(folder / file.name, absent);
        if (!absent) ++(size == file.size ? there : wrong);
    }
    if (wrong > 0) return "damaged";
    if (there == set.files.size()) return "there";
    return there == 0 ? "-" : fmt::format("{} of {}", there, set.files.size());
}

int list_data_verb(Format format, std::ostream& out) {
    const fs::path cache = data::cache_folder();
    Column about{"about"}, folder{"folder"}, licence{"licence"};
    about.drop = 3, licence.drop = 2, folder.drop = 1;
    Table table({{"name"}, {"state"}, {"files", true}, {"size", true}, licence, folder, about});
    for (const data::DataSet& set : data::catalogue()) {
        std::uint64_t bytes = 0;
        for (const data::DataFile& file : set.files) bytes += file.size;
        table.add_row({set.name, state_of(set, cache / set.folder),
                       Cell::integer(static_cast<std::int64_t>(set.files.size())), Cell(bytes_text(bytes), bytes),
                       set.licence, (cache / set.folder).string(), set.about});
    }
    table.print(out, format, screen());
    return exit_ok;
}

int normalise_verb(const DataOptions& options) {
    const std::uint64_t written = data::normalise_file(options.from, options.to);
    if (!Output::is_standard(options.to))
        std::cerr << fmt::format("{}: {} characters\n", printable(options.to), written);
    return exit_ok;
}

}  // namespace

void add_data_set_verbs(CLI::App& app, Request& request) {
    const auto options = std::make_shared<DataOptions>();
    CLI::App* data = app.add_subcommand("data", "Data sets: fetch them, list them, make a text one of them");
    data->require_subcommand(1)->fallthrough();
    const auto add = [&](const char* name, const char* about, std::function<int(std::ostream&)> verb) {
        CLI::App* sub = data->add_subcommand(name, about);
        sub->fallthrough();
        sub->callback([&request, verb = std::move(verb)] { request.verb = verb; });
        return sub;
    };
    CLI::App* get = add("get", "Fetch a data set, or take it from a file, folder or address, and check it",
                        [options](std::ostream& out) { return get_verb(*options, out); });
    get->footer(get_footer);
    get->add_option("name", options->name, "as `marginalia data list` names it")->required();
    get->add_option("--from", options->from, "file, folder or address to take it from, and from nowhere else");
    get->add_option("--to", options->to, "folder to put it into; its folder in the cache if left out");

    CLI::App* list = add("list", "What is known, where it is kept and whether it is there",
                         [&request](std::ostream& out) { return list_data_verb(request.common.format, out); });
    list->add_option("--format", request.format, "text, csv, json or markdown");

    CLI::App* normalise = add("normalise", "Any text to small letters and single blanks, as text8 is",
                              [options](std::ostream&) { return normalise_verb(*options); });
    normalise->footer(normalise_footer);
    normalise->add_option("file", options->from, "text file; -: standard input")->required();
    normalise->add_option("-o,--out", options->to, "file to write; standard output if left out or -");
}

}  // namespace marginalia
