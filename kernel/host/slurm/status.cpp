#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <iostream>
#include <map>
#include <ostream>

#include "kernel/base/printable.h"
#include "kernel/host/slurm/job.h"
#include "kernel/host/slurm/slurm.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

struct Tally {
    std::size_t waiting = 0, running = 0, over = 0;  // tasks
    bool known = true;                               // squeue has answered
    std::map<store::Status, std::size_t> trials;
    std::optional<fs::file_time_type> handed_over;  // last
    std::vector<std::string> unread;                // of copies that cannot be: why
};

void count_tasks(const JobFacts& facts, Tally& tally) {
    for (const std::int64_t job : facts.jobs) {
        const auto states = task_states(job);
        tally.known = tally.known && states.has_value();
        if (states)
            for (const auto& [task, state] : *states) ++(state == "PENDING" ? tally.waiting : tally.running);
    }
    tally.over = static_cast<std::size_t>(facts.tasks) - tally.waiting - tally.running;
}

void count_trials(const JobFolder& folder, const JobFacts& facts, Tally& tally) {
    for (std::int64_t task = 0; task < facts.tasks; ++task) {
        const auto newest = folder.newest(task);
        std::error_code error;
        if (newest) tally.handed_over = std::max(tally.handed_over, std::optional(fs::last_write_time(*newest, error)));
        try {
            store::Store reader = store::Store::open_to_read(newest.value_or(folder.first_store(task)));
            for (const store::Trial& trial : store::list_trials(reader, {.experiment = facts.experiment}))
                ++tally.trials[trial.status];
        } catch (const store::StoreError& failure) {
            tally.unread.emplace_back(failure.what());
        }
    }
}

Cell ago(const std::optional<fs::file_time_type>& time) {
    if (!time) return {};
    const double seconds = std::chrono::duration<double>(fs::file_time_type::clock::now() - *time).count();
    return Cell(duration_text(seconds) + " ago", seconds);
}

std::string words_of(const std::map<store::Status, std::size_t>& trials) {
    std::string words;
    for (const auto& [status, count] : trials)
        words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, store::name_of(status));
    return words;
}

}  // namespace

int status_verb(const fs::path& store, Format format, std::ostream& out) {
    Table table({{"folder"},
                 {"experiment"},
                 {.name = "jobs", .drop = 1},
                 {"tasks", true},
                 {"waiting", true},
                 {"running", true},
                 {.name = "over", .numeric = true, .drop = 2},
                 {"trials"},
                 {"handed over"}});
    bool asked = true;
    for (const JobFolder& folder : JobFolder::beside(store)) {
        const auto facts = folder.facts();
        if (!facts) continue;
        Tally tally;
        count_tasks(*facts, tally);
        count_trials(folder, *facts, tally);
        asked = asked && tally.known;
        for (const std::string& why : tally.unread) std::cerr << printable(why) << "\n";
        const auto number = [&](std::size_t count) {
            return tally.known ? Cell::integer(static_cast<std::int64_t>(count)) : Cell();
        };
        table.add_row({folder.path().filename().string(), facts->experiment,
                       fmt::format("{}", fmt::join(facts->jobs, ", ")), Cell::integer(facts->tasks),
                       number(tally.waiting), number(tally.running), number(tally.over), words_of(tally.trials),
                       ago(tally.handed_over)});
    }
    if (table.size() == 0)
        throw store::StoreError(store::StoreError::Kind::no_match,
                                "nothing has been submitted from " + store.string() +
                                    "; `marginalia submit FILE` hands an experiment to Slurm");
    table.print(out, format, screen());
    if (!asked && format == Format::text)
        out << "squeue does not answer here, so that what Slurm makes of the tasks is not known\n";
    return 0;
}

}  // namespace marginalia
