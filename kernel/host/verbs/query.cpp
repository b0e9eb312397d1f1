// `query`: rows of an SQL statement.
#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <iostream>

#include "kernel/host/results/results.h"
#include "kernel/host/results/rows.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"
#include "store/saved.h"

namespace marginalia {
namespace {

struct QueryOptions {
    std::string sql;     // or the name of a saved query
    std::string save;    // a name for `sql`, or for `where`
    std::string where;   // a condition to be saved
    std::string forget;  // a name
    bool list = false;
};

// One word, so that no SQL is taken for a name.
std::string is_a_name(const std::string& text) {
    constexpr std::size_t longest = 60;
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) || c == '-' || c == '_');
    });
    if (plain && !text.empty() && text.size() <= longest) return {};
    return fmt::format("'{}' cannot be a name; take letters, digits, - and _, at most {}", text, longest);
}

// While it lives, Ctrl-C sets a mark. A second one ends the process, whatever it is at.
class InterruptMark {
public:
    InterruptMark() {
        struct sigaction mark{};
        mark.sa_handler = [](int) { pressed = 1; };
        mark.sa_flags = SA_RESETHAND;
        ::sigaction(SIGINT, &mark, &before_);
    }
    ~InterruptMark() { ::sigaction(SIGINT, &before_, nullptr); }
    InterruptMark(const InterruptMark&) = delete;

    static bool is_set() { return pressed != 0; }

private:
    static inline volatile std::sig_atomic_t pressed = 0;
    struct sigaction before_{};
};

// What a statement may take that somebody typed: at most half of the machine's memory, and no more rows than a table is
// good for.
store::QueryLimits limits_of_typed() {
    constexpr std::int64_t least = 256'000'000, most = 1'000'000'000, most_rows = 100'000;
    const std::int64_t half = std::int64_t{::sysconf(_SC_PHYS_PAGES)} / 2 * ::sysconf(_SC_PAGESIZE);
    return {.bytes = std::clamp(half, least, most), .rows = most_rows, .stopped = InterruptMark::is_set};
}

store::SavedQuery saved_under(store::Store& store, const std::string& name) {
    if (std::optional<store::SavedQuery> found = store::find_saved_query(store, name)) return *found;
    std::vector<std::string> names;
    for (const store::SavedQuery& each : store::saved_queries(store)) names.push_back(each.name);
    throw store::StoreError(store::StoreError::Kind::no_match,
                            fmt::format("no query is saved as '{}'{}", name, suggestion(name, names, "saved")));
}

int list_saved(const Common& common, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    Table table({{"name"}, {"kind"}, {"text"}, {"saved"}});
    for (const store::SavedQuery& each : store::saved_queries(store))
        table.add_row({each.name, each.is_condition ? "condition" : "query", each.text,
                       Cell(age_text(now_seconds() - each.created), each.created)});
    table.print(out, common.format, screen());
    return table.size() > 0 ? exit_ok : exit_no_match;
}

// What is wrong with it is said now, not when it is used.
void check(const Common& common, const QueryOptions& options) {
    store::Store store = store::Store::open_to_read(common.store);
    if (options.where.empty()) store::check_query(store, options.sql);
    else read_condition(store, options.where);
}

int save(const Common& common, const QueryOptions& options) {
    if (options.sql.empty() == options.where.empty())
        throw Error("--save NAME keeps either an SQL statement or a --where condition; give one of them");
    check(common, options);
    store::Store store = open_store(common.store);
    const bool is_condition = options.sql.empty();
    store::save_query(store, {options.save, is_condition, is_condition ? options.where : options.sql});
    std::cerr << fmt::format("saved; use it as: marginalia {}{}\n", is_condition ? "list --where @" : "query ",
                             options.save);
    return exit_ok;
}

int forget(const Common& common, const std::string& name) {
    {
        store::Store store = store::Store::open_to_read(common.store);  // which makes none
        saved_under(store, name);
    }
    store::Store store = open_store(common.store);
    store::forget_query(store, name);
    return exit_ok;
}

std::string sql_of(store::Store& store, const std::string& words) {
    if (!is_a_name(words).empty()) return words;
    const store::SavedQuery found = saved_under(store, words);
    if (found.is_condition)
        throw Error(
            fmt::format("'{0}' is a saved condition, not a query; use it as: marginalia list --where @{0}", words));
    return found.text;
}

int query_verb(const Common& common, const QueryOptions& options, std::ostream& out) {
    if (common.stores.size() > 1 && (options.list || !options.forget.empty() || !options.save.empty()))
        throw Error("what is saved is of one store; give one --store");
    if (options.list) return list_saved(common, out);
    if (!options.forget.empty()) return forget(common, options.forget);
    if (!options.save.empty()) return save(common, options);
    if (!options.where.empty()) throw Error("--where is for --save; in SQL, say WHERE");
    if (options.sql.empty()) throw Error("give an SQL statement or the name of a saved query; --list shows those");
    std::vector<OpenStore> stores = open_stores(common);
    const InterruptMark mark;
    RowPrinter printer(common.format, out, stores.size() > 1 ? "store" : "");
    for (OpenStore& each : stores)
        printer.add(each.store, sql_of(each.store, options.sql), limits_of_typed(), each.name);
    const std::size_t rows = printer.finish();
    if (InterruptMark::is_set()) throw store::StoreError(store::StoreError::Kind::stopped, "the query was stopped");
    return rows > 0 ? exit_ok : exit_no_match;
}

}  // namespace

void add_query(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "query", "Rows of an SQL statement over the store's views", query_verb);
    CLI::Option* sql = verb->add_option(
        "sql", options.sql, "as SELECT name, value FROM final_metrics WHERE trial_id = 3, or a saved query's name");
    CLI::Option* save =
        verb->add_option("--save", options.save, "keep the statement, or a --where, in the store under this name")
            ->check(is_a_name);
    add_where(verb, options.where)->description("a condition to be saved, for --where @NAME of other verbs");
    verb->add_option("--forget", options.forget, "remove what is saved under this name")->excludes(sql)->excludes(save);
    verb->add_flag("--list", options.list, "what is saved")->excludes(sql)->excludes(save);
    line.take_stores.insert(verb);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
