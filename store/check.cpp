// What `doctor` looks for: pages, and rows that others need.
#include <fmt/format.h>

#include <array>

#include "store/error.h"
#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

struct Relation {
    std::string_view words, sql;
};
constexpr std::array relations{
    Relation{"trials without a config", "SELECT count(*) FROM trial WHERE config NOT IN (SELECT id FROM config)"},
    Relation{"trials without a run", "SELECT count(*) FROM trial WHERE sweep NOT IN (SELECT id FROM sweep)"},
    Relation{"runs without provenance",
             "SELECT count(*) FROM sweep WHERE provenance NOT IN (SELECT id FROM provenance)"},
    Relation{"points of no trial",
             "SELECT count(*) FROM (SELECT DISTINCT trial FROM summary) WHERE trial NOT IN "
             "(SELECT id FROM trial)"},
    Relation{"checkpoints of no trial", "SELECT count(*) FROM checkpoint WHERE trial NOT IN (SELECT id FROM trial)"},
    Relation{"metrics without a name", "SELECT count(*) FROM summary WHERE metric NOT IN (SELECT id FROM metric_name)"},
    Relation{"trials without their evaluation",
             "SELECT count(*) FROM trial WHERE evaluation IS NOT NULL AND evaluation NOT IN "
             "(SELECT id FROM evaluation)"},
    Relation{"evaluations of no trial", "SELECT count(*) FROM evaluation WHERE trial NOT IN (SELECT id FROM trial)"},
    Relation{"configs that are not JSON", "SELECT count(*) FROM config WHERE NOT json_valid(json)"},
};

}  // namespace

std::vector<std::string> find_damage(Store& store) {
    constexpr std::size_t most = 20;
    std::vector<std::string> found;
    {
        Rows rows(store.connection(), "PRAGMA integrity_check(20)");
        while (rows.next() && found.size() < most)
            if (auto line = rows.text(0); line != "ok") found.push_back(std::move(line));
    }
    if (!found.empty()) return found;
    for (const auto& relation : relations) {
        Rows rows(store.connection(), relation.sql);
        if (rows.next() && rows.integer(0) > 0) found.push_back(fmt::format("{} {}", rows.integer(0), relation.words));
    }
    return found;
}

}  // namespace marginalia::store
