// Runs of experiment files, and experiments as a whole.
#include <fmt/format.h>

#include <algorithm>

#include "store/error.h"
#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

Sweep read_sweep(const Rows& row) {
    return {
        row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), seconds_of(row.integer(6))};
}

// A run whose provenance is missing is found, so that the missing text can say so.
constexpr std::string_view select_sweep =
    "SELECT s.id, s.experiment, s.description, s.file, s.toml, p.json AS provenance, s.created "
    "FROM sweep s LEFT JOIN provenance p ON p.id = s.provenance ";

}  // namespace

Sweep sweep_of(Store& store, std::int64_t id) {
    Rows row(store.connection(), std::string(select_sweep) + "WHERE s.id = ?", id);
    if (!row.next()) row.damaged(fmt::format("the run {} of an experiment file, which has trials, is missing", id));
    return read_sweep(row);
}

Sweep newest_sweep(Store& store, std::string_view experiment) {
    Rows row(store.connection(),
             std::string(select_sweep) + "WHERE (?1 = '' OR s.experiment = ?1) ORDER BY s.id DESC LIMIT 1", experiment);
    if (!row.next()) row.damaged(fmt::format("no run of experiment '{}' is there, which has trials", experiment));
    return read_sweep(row);
}

std::vector<std::int64_t> sweep_ids(Store& store, std::string_view experiment) {
    Rows rows(store.connection(), "SELECT id FROM sweep WHERE experiment = ? ORDER BY id", experiment);
    std::vector<std::int64_t> ids;
    while (rows.next()) ids.push_back(rows.integer(0));
    return ids;
}

std::vector<std::string> experiment_names(Store& store) {
    Rows rows(store.connection(), "SELECT experiment FROM sweep GROUP BY experiment ORDER BY min(id)");
    std::vector<std::string> names;
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

std::vector<ExperimentInfo> list_experiments(Store& store) {
    std::vector<ExperimentInfo> experiments;
    std::map<std::string, std::size_t> places;
    {
        Rows rows(store.connection(), "SELECT experiment, description, file, created FROM sweep ORDER BY id");
        while (rows.next()) {
            const auto [place, is_new] = places.try_emplace(rows.text(0), experiments.size());
            if (is_new) experiments.emplace_back().created = seconds_of(rows.integer(3));
            auto& info = experiments[place->second];
            info.name = rows.text(0);
            info.description = rows.text(1);
            info.file = rows.text(2);
        }
    }
    const auto info_of = [&](const std::string& name) -> ExperimentInfo& {
        const auto found = places.find(name);
        if (found == places.end())
            store.connection().damaged(fmt::format("no run of experiment '{}' is there, which has trials", name));
        return experiments[found->second];
    };
    {
        Rows rows(store.connection(),
                  "SELECT experiment, status, count(*), max(started), max(finished) FROM trial "
                  "GROUP BY experiment, status");
        while (rows.next()) {
            auto& info = info_of(rows.text(0));
            info.by_status[read_status(rows, 1)] = rows.integer(2);
            info.trials += rows.integer(2);
            for (const int column : {3, 4})
                if (!rows.null(column))
                    info.last_active = std::max(info.last_active.value_or(0), seconds_of(rows.integer(column)));
        }
    }
    Rows rows(store.connection(), "SELECT experiment, count(DISTINCT config) FROM trial GROUP BY experiment");
    while (rows.next()) info_of(rows.text(0)).configs = rows.integer(1);
    return experiments;
}

}  // namespace marginalia::store
