// A trial's log is cut into rows whose number is the place of their first byte, so that what is missing between two of
// them is what was left out.
#include <fmt/format.h>

#include <algorithm>

#include "store/live.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::int64_t row_bytes = 4 << 10;
// The rows at both ends of the gap may be cut anywhere.
constexpr std::int64_t last_log_bytes = most_log_bytes - first_log_bytes - 2 * row_bytes;

struct LastRow {
    std::int64_t number = 0, length = 0;
    bool ends_line = true;
    std::int64_t end() const { return number + length; }
};

LastRow last_row(Connection& connection, TrialId trial) {
    Rows rows(connection,
              "SELECT number, length(data), substr(data, -1) = x'0a' FROM log WHERE trial = ? "
              "ORDER BY number DESC LIMIT 1",
              trial);
    return rows.next() ? LastRow{rows.integer(0), rows.integer(1), rows.integer(2) != 0} : LastRow{};
}

void append(Connection& connection, TrialId trial, std::int64_t at, std::string_view bytes) {
    while (!bytes.empty()) {
        const LastRow last = last_row(connection, trial);
        const bool fits = last.length > 0 && last.end() == at && last.length < row_bytes;
        const auto some = bytes.substr(0, static_cast<std::size_t>(row_bytes - (fits ? last.length : 0)));
        if (fits)
            run(connection, "UPDATE log SET data = CAST(data || ?3 AS BLOB) WHERE trial = ?1 AND number = ?2", trial,
                last.number, Bytes{some});
        else
            run(connection, "INSERT OR REPLACE INTO log(trial, number, created, data) VALUES (?,?,?,?)", trial, at,
                now_ms(), Bytes{some});
        at += static_cast<std::int64_t>(some.size());
        bytes.remove_prefix(some.size());
    }
}

}  // namespace

void add_log(Store& store, TrialId trial, const LogPiece& piece) {
    store.transaction([&] {
        auto& db = store.connection();
        const LastRow last = last_row(db, trial);
        std::int64_t at = last.end();
        if (piece.attempt > 0) {
            const auto head = fmt::format("{}[attempt {}]\n", last.ends_line ? "" : "\n", piece.attempt);
            append(db, trial, at, head);
            at += static_cast<std::int64_t>(head.size());
        }
        at += piece.skipped;
        append(db, trial, at, piece.bytes);
        const auto end = at + static_cast<std::int64_t>(piece.bytes.size());
        run(db, "DELETE FROM log WHERE trial = ?1 AND number >= ?2 AND number + length(data) <= ?3", trial,
            first_log_bytes, end - last_log_bytes);
    });
}

LogText read_log(Store& store, TrialId trial, std::int64_t from) {
    Rows rows(store.connection(),
              "SELECT number, data FROM log WHERE trial = ?1 AND number + length(data) > ?2 ORDER BY number", trial,
              from);
    LogText log{{}, from};
    while (rows.next()) {
        const std::int64_t number = rows.integer(0);
        const std::string data = rows.text(1);
        if (number > log.end)
            log.text += fmt::format("{}[{} bytes were left out]\n",
                                    log.text.empty() || log.text.ends_with('\n') ? "" : "\n", number - log.end);
        const auto known = static_cast<std::size_t>(std::max<std::int64_t>(0, log.end - number));
        log.text += data.substr(std::min(known, data.size()));
        log.end = number + static_cast<std::int64_t>(data.size());
    }
    return log;
}

std::string last_lines(std::string_view text, std::size_t lines) {
    std::size_t begin = text.ends_with('\n') ? text.size() - 1 : text.size();
    for (; lines > 0 && begin > 0; --lines) {
        const std::size_t end_before = text.rfind('\n', begin - 1);
        if (end_before == text.npos) return std::string(text);
        begin = end_before;
    }
    return std::string(text.substr(std::min(begin + 1, text.size())));
}

std::string log_tail(Store& store, TrialId trial, std::size_t lines) {
    const std::int64_t end = last_row(store.connection(), trial).end();
    const auto text = read_log(store, trial, std::max<std::int64_t>(0, end - most_log_tail_bytes)).text;
    return last_lines(text, lines);
}

}  // namespace marginalia::store
