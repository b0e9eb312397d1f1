// `data get`, `data list`, `data normalise`.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <filesystem>
#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/data/cache.h"
#include "kernel/host/data/data_sets.h"
#include "kernel/host/data/get.h"
#include "kernel/host/data/normalise.h"
#include "kernel/host/results/table.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr const char* get_footer =
    R"(The cache is MARGINALIA_DATA, else $XDG_CACHE_HOME/marginalia, else ~/.cache/marginalia; datasets look
for their files there. A file gets its name only when its checksum is right; a download that was cut short is
resumed. Standard output is the folder.

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

struct GetOptions {
    std::string name, from, to;
};

struct NormaliseOptions {
    std::string file, to;
};

int get_verb(const Common&, const GetOptions& options, std::ostream& out) {
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
        if (!absent) ++(file.size == 0 || size == file.size ? there : wrong);
    }
    if (wrong > 0) return "damaged";
    if (there == set.files.size()) return "there";
    return there == 0 ? "-" : fmt::format("{} of {}", there, set.files.size());
}

int list_data_verb(const Common& common, std::ostream& out) {
    const fs::path cache = data::cache_folder();
    Column about{"about"}, folder{"folder"}, licence{"licence"};
    about.drop = 3, licence.drop = 2, folder.drop = 1;
    Table table({{"name"}, {"state"}, {"files", true}, {"size", true}, licence, folder, about});
    for (const data::DataSet& set : data::data_sets()) {
        std::uint64_t bytes = 0;
        for (const data::DataFile& file : set.files) bytes += file.size;
        table.add_row({set.name, state_of(set, cache / set.folder),
                       Cell::integer(static_cast<std::int64_t>(set.files.size())),
                       bytes > 0 ? Cell(bytes_text(bytes), bytes) : Cell(), set.licence, (cache / set.folder).string(),
                       set.about});
    }
    table.print(out, common.format, screen());
    return exit_ok;
}

int normalise_verb(const Common&, const NormaliseOptions& options, std::ostream&) {
    const std::uint64_t written = data::normalise_file(options.file, options.to);
    if (!Output::is_standard(options.to))
        std::cerr << fmt::format("{}: {} characters\n", printable(options.to), written);
    return exit_ok;
}

}  // namespace

void add_data(CLI::App& app, CommandLine& line) {
    CLI::App* data = app.add_subcommand("data", "Data sets: fetch them, list them, make a text one of them");
    data->require_subcommand(1)->fallthrough();
    const auto [get, wanted] = add_verb(
        *data, line, "get", "Fetch a data set, or take it from a file, folder or address, and check it", get_verb);
    get->footer(get_footer);
    get->add_option("name", wanted.name, "as `marginalia data list` names it")->required();
    get->add_option("--from", wanted.from, "file, folder or address to take it from, and from nowhere else");
    get->add_option("--to", wanted.to, "folder to put it into; its folder in the cache if left out");

    add_format(add_verb(*data, line, "list", "What is known, where it is kept and whether it is there", list_data_verb),
               line, "text, csv, json or markdown");

    const auto [normalise, text] =
        add_verb(*data, line, "normalise", "Any text to small letters and single blanks, as text8 is", normalise_verb);
    normalise->footer(normalise_footer);
    normalise->add_option("file", text.file, "text file; -: standard input")->required();
    normalise->add_option("-o,--out", text.to, "file to write; standard output if left out or -");
}

}  // namespace marginalia
