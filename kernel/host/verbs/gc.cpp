// `gc`: room that nobody needs any more.
#include "store/garbage.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"
#include "store/error.h"
#include "store/trash.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_gc =
    R"(Frees what nobody needs: trials in the trash, pieces of checkpoints that were never ended, configs and provenance
of no trial, and free pages; with --checkpoints also checkpoints of finished trials beyond the newest and, where
run.keep_best named a metric, the best. No trial of the store is removed, nor what it goes on from or is asked by.

To give free pages back to the disk the store is rewritten. That takes as much room as is left of it, beside it and
in the folder for temporary files, and is left out while trials run.

Examples:
  marginalia gc --dry-run
  marginalia gc --older-than 30)";

struct GcOptions {
    bool dry_run = false;
    std::int64_t days = 0;
    bool checkpoints = false;
};

store::GarbageOptions garbage_options(const GcOptions& options) {
    constexpr double day = 86400;
    store::GarbageOptions garbage{.trash_seconds = static_cast<double>(options.days) * day};
    if (options.checkpoints)
        garbage.retention = [](const store::Sweep& sweep) {
            return store::Retention{.newest = 1, .best_metric = keep_best_of(sweep.toml)};
        };
    return garbage;
}

// With its trash, and the logs of both.
std::uintmax_t size_on_disk(const std::filesystem::path& store) {
    std::uintmax_t sum = 0;
    for (const std::filesystem::path& file : {store, store::trash_of(store)})
        for (const char* part : {"", "-wal"}) {
            std::error_code missing;
            const std::uintmax_t size = std::filesystem::file_size(file.string() + part, missing);
            if (!missing) sum += size;
        }
    return sum;
}

// In all kinds.
std::uint64_t print_kinds(const std::vector<store::Garbage>& kinds, bool checkpoints, Format format,
                          std::ostream& out) {
    std::uint64_t sum = 0;
    Table table({{"what"}, {"count", true}, {"size", true}});
    for (const store::Garbage& kind : kinds) {
        if (!checkpoints && kind.what.starts_with("checkpoints")) continue;
        const auto bytes = static_cast<std::uint64_t>(kind.bytes);
        sum += bytes;
        table.add_row({kind.what, kind.count > 0 ? Cell::integer(kind.count) : Cell(), {bytes_text(bytes), bytes}});
    }
    table.print(out, format, screen());
    return sum;
}

// Why free pages stay where they are; "": they do not.
std::string given_back(store::Store& store) {
    if (!store::list_trials(store, {.statuses = {store::Status::running}, .limit = 1}).empty())
        return "trials are running, so free pages stay in the store, where new results use them; gc gives them back "
               "when none runs";
    try {
        store::give_back_pages(store);
    } catch (const store::StoreError& error) {
        if (error.kind() != store::StoreError::Kind::full) throw;
        return error.what();
    }
    return {};
}

int gc_verb(const Common& common, const GcOptions& options, std::ostream& out) {
    const store::GarbageOptions garbage = garbage_options(options);
    if (options.dry_run) {
        store::Store reader = store::Store::open_to_read(common.store);
        const std::uint64_t bytes =
            print_kinds(store::find_garbage(reader, garbage), options.checkpoints, common.format, out);
        std::cerr << fmt::format("{} would be freed; nothing was changed\n", bytes_text(bytes));
        return exit_ok;
    }
    store::Store store = open_known_store(common.store);
    store.mark_lost();
    const std::uintmax_t before = size_on_disk(common.store);
    print_kinds(store::remove_garbage(store, garbage), options.checkpoints, common.format, out);
    const std::string kept = given_back(store);
    const std::uintmax_t after = size_on_disk(common.store);
    std::cerr << fmt::format("{} freed\n", bytes_text(before > after ? before - after : 0));
    if (!kept.empty()) std::cerr << kept << '\n';
    return exit_ok;
}

}  // namespace

void add_gc(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "gc", "Free what nobody needs any more, such as the trash", gc_verb);
    verb->footer(footer_of_gc);
    verb->add_flag("--dry-run", options.dry_run, "only print what would be freed");
    verb->add_option("--older-than", options.days, "of the trash, what was removed so many days ago; all if left out")
        ->check(whole_number(0, 36500));
    verb->add_flag("--checkpoints", options.checkpoints, "also older checkpoints of finished trials");
    add_format(verb, line, "text, csv, json or markdown");
}

}  // namespace marginalia
