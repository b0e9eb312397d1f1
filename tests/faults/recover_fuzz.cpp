// Random damage to a store, then `recover`: what it makes is whole, and holds every row but those of the pages that
// were hit. FAULT_ROUNDS, FAULT_SEED.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "store/connection.h"
#include "store/error.h"
#include "store/queries.h"
#include "store/recover.h"
#include "store/store.h"

namespace recover_fuzz {

namespace fs = std::filesystem;
using namespace marginalia::store;

namespace {

constexpr std::array tables{"config",       "trial",      "metric_name", "metric",     "summary",
                            "final_metric", "checkpoint", "sample",      "evaluation", "figure"};
constexpr std::int64_t page_size = 4096;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

void fill(const fs::path& file) {
    auto store = Store::open(file);
    PlannedSweep sweep{"fuzz", "", "/here/fuzz.toml", "name = \"fuzz\"\n", R"({"commit":"abc"})", {}};
    for (int i = 0; i < 60; ++i)
        sweep.trials.push_back({.config = fmt::format(R"({{"train":{{"rate":{}}}}})", i),
                                .config_hash = fmt::format("{:08x}", i + 1),
                                .seed = i % 3,
                                .evaluation = R"({"evaluation":{"samples":100}})",
                                .evaluation_hash = "a100"});
    for (const auto& trial : store.enqueue(sweep)) {
        store.claim(trial.id, this_process(), "cpu", 1);
        std::vector<MetricPoint> points;
        for (int step = 0; step < 120; ++step)
            for (const char* name : {"loss", "kl"}) points.push_back({name, step, std::exp(-0.01 * step), 2e9 + step});
        store.add_metrics(trial.id, points);
        store.add_checkpoint(trial.id, 119, std::string(9000, 'c'), {});
        store.add_sample(trial.id, "model", 119, "text", "a sample");
        store.set_status(trial.id, Status::done);  // trained
        store.claim(trial.id, this_process(), "cpu", 1);
        store.set_final_metric(trial.id, "kl", 0.013 * static_cast<double>(trial.id));
        store.set_status(trial.id, Status::done);
    }
    store.connection().execute(
        "DELETE FROM metric WHERE trial = 7; DELETE FROM summary WHERE trial = 7");  // free pages
}

std::map<std::string, std::int64_t> counts(const fs::path& file) {
    Connection connection(file, Connection::Access::read);
    std::map<std::string, std::int64_t> found;
    for (const auto* table : tables) {
        Rows rows(connection, fmt::format("SELECT count(*) FROM {}", table));
        if (rows.next()) found[table] = rows.integer(0);
    }
    return found;
}

// What each page holds: the table, and how many rows begin on it. Empty where SQLite was built without dbstat.
struct Page {
    std::string table;
    std::int64_t rows = 0;
};
std::map<std::int64_t, Page> pages_of(const fs::path& file) {
    std::map<std::int64_t, Page> pages;
    Connection connection(file, Connection::Access::read);
    try {
        Rows rows(connection, "SELECT pageno, name, ncell, pagetype FROM dbstat");
        while (rows.next()) pages[rows.integer(0)] = {rows.text(1), rows.text(3) == "overflow" ? 1 : rows.integer(2)};
    } catch (const StoreError&) {
        fmt::print("skipped: how many rows are lost, as this SQLite has no dbstat\n");
    }
    return pages;
}

struct Damage {
    std::string what;
    std::vector<std::int64_t> pages;
};

Damage damage(const fs::path& file, std::mt19937_64& chance) {
    const auto size = static_cast<std::int64_t>(fs::file_size(file));
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    Damage done;
    const auto hit = [&](std::int64_t at, const std::string& bytes) {
        stream.seekp(at);
        stream << bytes;
        done.what += fmt::format("{} bytes at {}; ", bytes.size(), at);
        for (auto page = at / page_size; page <= (at + std::ssize(bytes) - 1) / page_size; ++page)
            done.pages.push_back(page + 1);
    };
    const auto place = [&](std::int64_t below) {
        return static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(below));
    };
    switch (chance() % 4) {
        case 0:  // one byte, anywhere
        case 1: hit(place(size), std::string(1, static_cast<char>(chance()))); break;
        case 2:  // the head of a page, where most harm is done
            hit(place(size / page_size) * page_size + place(24), std::string(1, static_cast<char>(chance())));
            break;
        default: {  // a sector
            std::string sector(512, '\0');
            for (char& byte : sector) byte = static_cast<char>(chance());
            hit(place(size / 512) * 512, sector);
        }
    }
    return done;
}

// "" or what is wrong with what recover made.
std::string fault_of(const fs::path& made, const Damage& done, const std::map<std::string, std::int64_t>& before,
                     const std::map<std::int64_t, Page>& pages) {
    {
        auto store = Store::open(made);
        Rows check(store.connection(), "PRAGMA integrity_check");
        if (!check.next() || check.text(0) != "ok") return "integrity_check is not ok";
        for (const auto& trial : list_trials(store)) trial_details(store, trial.id);
        list_experiments(store);
        best_configs(store, {.metric = "kl"});
    }
    if (pages.empty()) return {};
    const auto after = counts(made);
    for (const auto* table : tables) {
        std::int64_t may_miss = 0;
        for (const auto page : done.pages)
            if (const auto found = pages.find(page); found != pages.end()) {
                // A checkpoint without all of its pieces is none.
                const bool piece = found->second.table.find("checkpoint_piece") != std::string::npos;
                if (found->second.table == table || (piece && std::string_view(table) == "checkpoint"))
                    may_miss += found->second.rows;
            }
        if (after.at(table) < before.at(table) - may_miss)
            return fmt::format("{} has {} of {} rows and {} were hit", table, after.at(table), before.at(table),
                               may_miss);
    }
    return {};
}

}  // namespace

TEST_CASE("recover on a store with random damage") {
    const auto rounds = setting("FAULT_ROUNDS", 60), seed = setting("FAULT_SEED", 1);
    auto name = (fs::temp_directory_path() / "marginalia-recover-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    const fs::path folder = name, whole = folder / "whole.db", hurt = folder / "hurt.db", made = folder / "made.db";
    fill(whole);
    const auto before = counts(whole);
    const auto pages = pages_of(whole);
    std::uint64_t answered = 0, refused = 0, faults = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        std::mt19937_64 chance(seed * 1'000'003 + round);
        fs::copy_file(whole, hurt, fs::copy_options::overwrite_existing);
        fs::remove(made);
        const auto done = damage(hurt, chance);
        std::string fault;
        try {
            recover_store(hurt, made);
            ++answered;
            fault = fault_of(made, done, before, pages);
        } catch (const StoreError& error) {
            ++refused;
            fault = fmt::format("refused: {}", error.what());
        } catch (const std::exception& error) {
            fault = fmt::format("threw: {}", error.what());
        }
        if (fault.empty()) continue;
        ++faults;
        fmt::print("seed {} round {}: {}{}\n", seed, round, done.what, fault);
    }
    fs::remove_all(folder);
    fmt::print("recover_fuzz: {} inputs, {} answered, {} refused, {} faults\n", rounds, answered, refused, faults);
    CHECK(faults == 0);
}

}  // namespace recover_fuzz
