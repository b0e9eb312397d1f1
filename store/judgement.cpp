// Whether a trial that the file calls running still is: one answer for all that read.
#include <fmt/format.h>
#include <sqlite3.h>

#include "store/schema.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

std::string text_value(sqlite3_value* value) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

void is_alive_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
    const auto& connection = *static_cast<const Connection*>(sqlite3_user_data(context));
    try {
        const Owner owner{text_value(values[0]), text_value(values[1]), sqlite3_value_int64(values[2]),
                          sqlite3_value_int64(values[3]), sqlite3_value_int64(values[4])};
        sqlite3_result_int(context, is_alive(owner, connection.file()) ? 1 : 0);
    } catch (const std::exception& error) {
        sqlite3_result_error(context, error.what(), -1);
    }
}

// `trial` as the table has it, but for status and error; `trials` and `evaluations` as the file's views have them, over
// this `trial`.
constexpr std::string_view views = R"sql(
CREATE TEMP VIEW trial AS
    SELECT id, experiment, config, seed, sweep, CASE WHEN gone THEN 'lost' ELSE status END AS status,
        CASE WHEN gone THEN printf('process %d, which ran it, is gone', pid) ELSE error END AS error,
        device, threads, host, boot_id, pid, pid_start, created, started, attempt_started, training_started, finished,
        ran, attempts, evaluation, trained, device_name, device_id, device_memory, driver, heartbeat
    FROM (SELECT *, CASE status WHEN 'running' THEN NOT marginalia_is_alive(host, boot_id, pid, pid_start, heartbeat) ELSE 0 END
              AS gone FROM main.trial);
)sql";

}  // namespace

void judge_running_trials(Connection& connection) {
    sqlite3_create_function_v2(connection.handle(), "marginalia_is_alive", 5, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                               &connection, is_alive_in_sql, nullptr, nullptr, nullptr);
    connection.execute_beside(std::string(views) + views_over("temp.trial", "TEMP"));
}

}  // namespace marginalia::store
