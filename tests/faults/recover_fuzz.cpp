// Random damage to a store, then `doctor` and `recover`: all rows but those of the pages that were hit are saved as
// they were, what is made is whole, and what is lost has been found. Prints the counts for each kind of damage.
// FAULT_ROUNDS flips of one byte, and an eighth as many of each other kind, from FAULT_SEED on.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "store/check.h"
#include "store/recover.h"
#include "store/saved.h"
#include "tests/faults/page_map.h"
#include "tests/store/full_trials.h"

namespace recover_fuzz {

namespace fs = std::filesystem;
using namespace marginalia::store;
using page_map::Contents;
using page_map::PageMap;

namespace {

using Chance = std::mt19937_64;
constexpr std::int64_t page_size = 4096;
constexpr std::int64_t least_of_a_store = 32 * page_size;  // before that there may be no trial

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::int64_t below(Chance& chance, std::int64_t end) {
    return static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(end));
}

std::string random_bytes(Chance& chance, std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(chance());
    return bytes;
}

// Twelve trials of 2,000 points, checkpoints over many pages, long texts, rows in all tables, and free pages.
void fill(const fs::path& file) {
    Chance chance(7);
    auto store = Store::open(file);
    auto sweep = full_trials::evaluated_plan("fuzz", 6, 2);
    sweep.toml = "name = \"fuzz\"\n# " + std::string(20'000, 'n') + "\n";
    sweep.provenance = fmt::format(R"({{"git":{{"diff":"{}"}}}})", std::string(30'000, '+'));
    std::vector<TrialId> trials;
    for (const auto& trial : store.enqueue(sweep)) trials.push_back(trial.id);
    for (const auto trial : trials) {
        full_trials::do_everything(store, trial, 10'000);
        std::vector<MetricPoint> points;
        for (int step = 0; step < 1000; ++step)
            for (const char* name : {"loss", "kl"})
                points.push_back({name, step, std::exp(-0.01 * step) + 1e-3 * static_cast<double>(trial), 2e9 + step});
        store.add_metrics(trial, points);
        store.add_checkpoint(trial, 999, random_bytes(chance, 50'000), {.newest = 2});
        add_note(store, trial, std::string(6000, 'w'));
        store.connection().execute(fmt::format("INSERT INTO request VALUES ({}, 'pause', 5)", trial));
    }
    store.connection().execute(
        "INSERT INTO removed VALUES (99, 1), (98, 2); INSERT INTO saved_query VALUES ('good', 'condition', 'kl < 1', "
        "5);"
        "DELETE FROM metric WHERE trial = 7; DELETE FROM summary WHERE trial = 7; DELETE FROM curve_part WHERE trial = "
        "7");
}

struct Damage {
    std::string what;
    std::set<std::int64_t> pages;
    std::int64_t cut_at = 0;
};

// A store that is being damaged.
class Victim {
public:
    Victim(const fs::path& file, const PageMap& pages, Chance& chance)
        : chance(chance), pages(pages), file_(file), size_(static_cast<std::int64_t>(fs::file_size(file))) {}

    std::int64_t size() const { return size_; }
    // Every byte becomes another one.
    void flip(std::int64_t at, std::int64_t count = 1) {
        std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
        for (auto end = std::min(size_, at + count); at < end; ++at) {
            stream.seekg(at);
            const int was = stream.get();
            put(stream, at, std::string(1, static_cast<char>(was ^ static_cast<int>(1 + chance() % 255))));
        }
    }
    void write(std::int64_t at, const std::string& bytes) {
        std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
        put(stream, at, bytes);
    }
    void cut(std::int64_t at) {
        fs::resize_file(file_, static_cast<std::uintmax_t>(at));
        done.what += fmt::format("cut at {}; ", at);
        done.cut_at = at;
        for (auto page = at / page_size; page < size_ / page_size; ++page) done.pages.insert(page + 1);
    }
    // Of such pages one, by where it begins.
    std::int64_t any(const std::function<bool(const page_map::Page&)>& wanted) {
        std::vector<std::int64_t> found;
        for (const auto& [number, page] : pages)
            if (wanted(page)) found.push_back((number - 1) * page_size);
        return found.at(static_cast<std::size_t>(below(chance, std::ssize(found))));
    }

    Chance& chance;
    const PageMap& pages;
    Damage done;

private:
    void put(std::fstream& stream, std::int64_t at, const std::string& bytes) {
        stream.seekp(at);
        stream << bytes;
        done.what += fmt::format("{} bytes at {}; ", bytes.size(), at);
        for (auto page = at / page_size; page <= (at + std::ssize(bytes) - 1) / page_size; ++page)
            done.pages.insert(page + 1);
    }

    fs::path file_;
    std::int64_t size_;
};

struct Kind {
    std::string name;
    std::uint64_t share;  // of FAULT_ROUNDS, one of so many
    void (*hurt)(Victim&);
};
const std::array kinds{
    Kind{"a byte anywhere", 1, [](Victim& it) { it.flip(below(it.chance, it.size())); }},
    Kind{"a byte of a page's head", 8,
         [](Victim& it) { it.flip(below(it.chance, it.size() / page_size) * page_size + below(it.chance, 24)); }},
    Kind{"a byte of the header", 8, [](Victim& it) { it.flip(below(it.chance, 100)); }},
    Kind{"a byte of the schema", 8,
         [](Victim& it) {
             it.flip(it.any([](const auto& page) { return page.tree == "sqlite_schema"; }) +
                     below(it.chance, page_size));
         }},
    Kind{"a schema page of zeros", 8,
         [](Victim& it) {
             it.write(it.any([](const auto& page) { return page.tree == "sqlite_schema"; }),
                      std::string(page_size, '\0'));
         }},
    Kind{"a byte of an inner page", 8,
         [](Victim& it) {
             it.flip(it.any([](const auto& page) { return page.is_inner; }) + below(it.chance, page_size));
         }},
    Kind{"a byte of a page with few rows", 8,
         [](Victim& it) {
             it.flip(it.any([](const auto& page) { return page.tree != "metric" && !page.rows.empty(); }) +
                     below(it.chance, page_size));
         }},
    Kind{"a run of 16 bytes", 8, [](Victim& it) { it.flip(below(it.chance, it.size()), 16); }},
    Kind{"a sector of noise", 8,
         [](Victim& it) { it.write(below(it.chance, it.size() / 512) * 512, random_bytes(it.chance, 512)); }},
    Kind{"a page of zeros", 8,
         [](Victim& it) {
             it.write(below(it.chance, it.size() / page_size) * page_size, std::string(page_size, '\0'));
         }},
    Kind{"an inner page of zeros", 8,
         [](Victim& it) {
             it.write(it.any([](const auto& page) { return page.is_inner; }), std::string(page_size, '\0'));
         }},
    Kind{"a cut end", 8, [](Victim& it) { it.cut(1 + below(it.chance, it.size() - 1)); }},
};

// Of one kind of damage.
struct Counts {
    std::uint64_t inputs = 0, faults = 0;
    std::uint64_t found = 0, harmless = 0;      // by doctor; of those that it has not found, with all rows equal
    std::uint64_t elsewhere = 0, followed = 0;  // rows on other pages; of these, gone or changed with others
    std::uint64_t hit = 0, lost = 0, changed = 0, in_checkpoints = 0;  // rows on the pages that were hit; of these
};

// The number of the trial that a row is of: the first or second column.
std::string trial_of(const std::string& table, const std::string& row) {
    const auto begin = table == "evaluation" ? row.find('|') + 1 : 0;
    return row.substr(begin, row.find('|', begin) - begin);
}

// What is lost or changed along with others: a checkpoint with its pieces, the count of a curve with its points.
bool follows(const std::string& table, const std::string& row,
             const std::set<std::pair<std::string, std::string>>& trials_hit) {
    const auto is_hit = [&](const char* other) { return trials_hit.contains({other, trial_of(table, row)}); };
    if (table == "summary" || table == "curve_part") return is_hit("metric");
    if (table == "trial") return is_hit("evaluation");
    if (table != "checkpoint" && table != "checkpoint_piece" && table != "evaluation") return false;
    return is_hit("checkpoint") || is_hit("checkpoint_piece") || is_hit("evaluation");
}

// Compares what was saved with what there was; "" or what is wrong.
std::string compare(const Contents& before, const Contents& after, const PageMap& pages, const Damage& done,
                    bool perhaps_deleted, Counts& counts) {
    std::set<std::pair<std::string, std::size_t>> hit;
    for (const auto page : done.pages)
        if (const auto found = pages.find(page); found != pages.end())
            hit.insert(found->second.rows.begin(), found->second.rows.end());
    std::set<std::pair<std::string, std::string>> trials_hit;
    for (const auto& [table, number] : hit) trials_hit.emplace(table, trial_of(table, before.at(table).rows[number]));
    std::string fault;
    for (const auto& [table, rows] : before) {
        std::map<std::string_view, std::string_view> is;
        const auto& now = after.at(table);
        for (std::size_t i = 0; i < now.keys.size(); ++i) is[now.keys[i]] = now.rows[i];
        for (std::size_t i = 0; i < rows.keys.size(); ++i) {
            const auto found = is.find(rows.keys[i]);
            const bool there = found != is.end(), equal = there && found->second == rows.rows[i];
            const bool was_hit = hit.contains({table, i});
            ++(was_hit ? counts.hit : counts.elsewhere);
            if (equal) continue;
            if (was_hit) {
                ++(there ? counts.changed : counts.lost);
                counts.in_checkpoints += there && table == "checkpoint_piece";
            } else if (follows(table, rows.rows[i], trials_hit)) {
                ++counts.followed;
            } else {
                fault = fmt::format("a row of '{}' on another page is {}: {}", table, there ? "changed" : "lost",
                                    rows.rows[i].substr(0, 80));
            }
        }
        if (now.keys.size() > rows.keys.size() && hit.empty() && !perhaps_deleted)
            fault = fmt::format("'{}' has {} rows in place of {}", table, now.keys.size(), rows.keys.size());
    }
    return fault;
}

bool finds_damage(const fs::path& file) {
    for (const auto& finding : examine(file))
        if (finding.weight == Finding::Weight::damage) return true;
    return false;
}

bool has_page_map() {
    Connection connection(":memory:", Connection::Access::write);
    return !page_map::texts(connection, "SELECT name FROM pragma_module_list WHERE name = 'dbstat'").empty();
}

class Fuzz {
public:
    Fuzz() {
        fill(whole_);
        Connection connection(whole_, Connection::Access::read);
        before_ = page_map::contents_of(connection);
        pages_ = page_map::pages_of(connection);
    }

    Counts run(const Kind& kind, std::uint64_t rounds, std::uint64_t seed) {
        Counts counts;
        for (std::uint64_t round = 0; round < rounds; ++round) {
            Chance chance(seed * 1'000'003 + round);
            fs::copy_file(whole_, hurt_, fs::copy_options::overwrite_existing);
            Victim victim(hurt_, pages_, chance);
            kind.hurt(victim);
            ++counts.inputs;
            const auto fault = fault_of(victim.done, counts);
            if (fault.empty()) continue;
            ++counts.faults;
            fmt::print("{}, seed {}, round {}: {}{}\n", kind.name, seed, round, victim.done.what, fault);
        }
        return counts;
    }

    std::uintmax_t bytes() const { return fs::file_size(whole_); }

    std::uint64_t refused = 0;
    double recover_seconds = 0;  // of processor time

private:
    std::string fault_of(const Damage& done, Counts& counts) {
        try {
            const bool found = finds_damage(hurt_);
            counts.found += found;
            fs::remove(made_);
            const auto began = std::clock();
            const auto result = recover_store(hurt_, made_);
            recover_seconds += static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
            auto store = Store::open_to_read(made_);
            if (const auto damage = find_damage(store); !damage.empty())
                return "what was made is damaged: " + damage[0];
            const auto was = counts;
            const auto fault = compare(before_, page_map::contents_of(store.connection()), pages_, done,
                                       result.perhaps_deleted, counts);
            if (!found && counts.lost > was.lost) return "doctor has not found what is lost";
            counts.harmless += !found && counts.changed == was.changed;
            return fault;
        } catch (const StoreError& error) {
            ++refused;
            const bool cut_short = done.cut_at > 0 && done.cut_at < least_of_a_store;
            return cut_short ? "" : fmt::format("refused: {}", error.what());
        } catch (const std::exception& error) {
            return fmt::format("threw: {}", error.what());
        }
    }

    TemporaryFolder folder_;
    const fs::path whole_ = folder_ / "whole.db", hurt_ = folder_ / "hurt.db", made_ = folder_ / "made.db";
    Contents before_;
    PageMap pages_;
};

void print(const std::string& kind, const Counts& counts) {
    fmt::print(
        "{}: {} times; doctor found {}, of the others {} changed no row and {} a value; of {} rows on other pages "
        "{} were saved and {} went with others; of {} on the pages hit {} were saved, {} changed ({} pieces of "
        "checkpoints) and {} lost\n",
        kind, counts.inputs, counts.found, counts.harmless, counts.inputs - counts.found - counts.harmless,
        counts.elsewhere, counts.elsewhere - counts.followed, counts.followed, counts.hit,
        counts.hit - counts.lost - counts.changed, counts.changed, counts.in_checkpoints, counts.lost);
}

}  // namespace

TEST_CASE("recover and doctor on a store with random damage") {
    const auto rounds = setting("FAULT_ROUNDS", 24), seed = setting("FAULT_SEED", 1);
    if (!has_page_map()) {
        fmt::print("SKIPPED: this SQLite has no dbstat, which says what lies on a page\n");
        return;
    }
    Fuzz fuzz;
    fmt::print("a store of {} bytes\n", fuzz.bytes());
    std::uint64_t inputs = 0, faults = 0;
    for (const auto& kind : kinds) {
        const auto counts = fuzz.run(kind, (rounds + kind.share - 1) / kind.share, seed);
        print(kind.name, counts);
        inputs += counts.inputs;
        faults += counts.faults;
    }
    fmt::print("recover took {:.0f} ms of processor time each\n",
               1000 * fuzz.recover_seconds / static_cast<double>(inputs));
    fmt::print("recover_fuzz: {} inputs, {} answered, {} refused, {} faults\n", inputs, inputs - fuzz.refused,
               fuzz.refused, faults);
    CHECK(faults == 0);
}

}  // namespace recover_fuzz
