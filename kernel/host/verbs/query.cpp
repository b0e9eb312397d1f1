// `query`: rows of an SQL statement.
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "kernel/host/results/rows.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/verbs.h"
#include "store/error.h"

namespace marginalia {
namespace {

struct QueryOptions {
    std::string sql;
};

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

int query_verb(const Common& common, const QueryOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const InterruptMark mark;
    const std::size_t rows = print_rows(store, options.sql, common.format, out, limits_of_typed());
    if (InterruptMark::is_set()) throw store::StoreError(store::StoreError::Kind::stopped, "the query was stopped");
    return rows > 0 ? exit_ok : exit_no_match;
}

}  // namespace

void add_query(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "query", "Rows of an SQL statement over the store's views", query_verb);
    verb->add_option("sql", options.sql, "as SELECT name, value FROM final_metrics WHERE trial_id = 3")->required();
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
