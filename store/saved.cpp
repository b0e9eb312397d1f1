#include "store/saved.h"

#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::string_view select_saved = "SELECT name, kind, text, created FROM saved_query ";

SavedQuery read_saved(const Rows& row) {
    return {row.text(0), row.text(1) == "condition", row.text(2), seconds_of(row.integer(3))};
}

}  // namespace

void save_query(Store& store, const SavedQuery& query) {
    run(store.connection(), "INSERT OR REPLACE INTO saved_query(name, kind, text, created) VALUES (?,?,?,?)",
        query.name, query.is_condition ? "condition" : "sql", query.text, now_ms());
}

bool forget_query(Store& store, std::string_view name) {
    return run(store.connection(), "DELETE FROM saved_query WHERE name = ?", name) > 0;
}

std::optional<SavedQuery> find_saved_query(Store& store, std::string_view name) {
    Rows row(store.connection(), std::string(select_saved) + "WHERE name = ?", name);
    return row.next() ? std::optional(read_saved(row)) : std::nullopt;
}

std::vector<SavedQuery> saved_queries(Store& store) {
    Rows rows(store.connection(), std::string(select_saved) + "ORDER BY name");
    std::vector<SavedQuery> found;
    while (rows.next()) found.push_back(read_saved(rows));
    return found;
}

}  // namespace marginalia::store
