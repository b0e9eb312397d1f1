// The best trials and configurations, and trials by name. A trial competes by its final metric where it has one, else
// by its last recorded value; a value that is not finite never competes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

struct Place {
    TrialId trial;
    double value;
};

// One walk along an index in the order of the values, stopped at the limit: what makes this independent of the number
// of points and nearly so of the number of trials.
std::vector<Place> walk(Connection& connection, std::string_view table, std::string_view column, std::int64_t metric,
                        const Ranking& ranking, std::string_view extra) {
    std::vector<std::string_view> statuses;
    for (const auto status : ranking.statuses) statuses.push_back(name_of(status));
    const auto status_is =
        statuses.empty() ? std::string("1") : fmt::format("t.status IN ('{}')", fmt::join(statuses, "', '"));
    const auto sql = fmt::format(
        "SELECT v.trial, v.{1} FROM {0} v CROSS JOIN trial t ON t.id = v.trial "
        "WHERE v.metric = ?1 AND v.{1} > -9e999 AND v.{1} < 9e999 AND {2} AND (?2 = '' OR t.experiment = ?2) "
        "AND (?4 = '' OR v.trial IN (SELECT value FROM json_each(?4))) {3} "
        "ORDER BY v.{1} {4}, v.trial LIMIT ?3",
        table, column, status_is, extra, ranking.highest ? "DESC" : "ASC");
    Rows rows(connection, sql, metric, ranking.experiment, ranking.limit,
              ranking.only ? json_list(*ranking.only) : std::string());
    std::vector<Place> places;
    while (rows.next()) places.push_back({rows.integer(0), rows.real(1)});
    return places;
}

std::vector<Place> places_of(Connection& connection, const Ranking& ranking) {
    const auto metric = id_of_metric(connection, ranking.metric);
    if (!metric) return {};
    auto places = walk(connection, "final_metric", "value", *metric, ranking, "");
    const auto by_last = walk(connection, "summary", "last", *metric, ranking,
                              "AND NOT EXISTS (SELECT 1 FROM final_metric f WHERE f.trial = v.trial AND "
                              "f.metric = v.metric)");
    places.insert(places.end(), by_last.begin(), by_last.end());
    std::ranges::stable_sort(places, [&](const Place& a, const Place& b) {
        return ranking.highest ? a.value > b.value : a.value < b.value;
    });
    if (ranking.limit >= 0 && places.size() > static_cast<std::size_t>(ranking.limit))
        places.resize(static_cast<std::size_t>(ranking.limit));
    return places;
}

void set_statistics(RankedConfig& config, const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    config.n = static_cast<std::int64_t>(values.size());
    for (const double value : values) config.mean += value / n;
    if (values.size() < 2) return;
    double squares = 0;
    for (const double value : values) squares += (value - config.mean) * (value - config.mean);
    config.standard_error = std::sqrt(squares / (n - 1) / n);
}

std::vector<TrialId> with_hash(Connection& connection, std::string_view prefix, std::optional<std::int64_t> seed,
                               std::string_view experiment) {
    Rows rows(connection,
              "SELECT t.id FROM trial t JOIN config c ON c.id = t.config "
              "WHERE substr(c.hash, 1, length(?1)) = ?1 AND (NOT ?2 OR t.seed = ?3) "
              "AND (?4 = '' OR t.experiment = ?4)",
              prefix, seed ? 1 : 0, seed.value_or(0), experiment);
    std::vector<TrialId> found;
    while (rows.next()) found.push_back(rows.integer(0));
    return found;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

using ConfigKey = std::pair<std::string, std::string>;  // experiment and config_hash

std::vector<TrialId> ids_of(const std::vector<Place>& places) {
    std::vector<TrialId> ids;
    for (const auto& place : places) ids.push_back(place.trial);
    return ids;
}

std::unordered_map<TrialId, ConfigKey> keys_of(Connection& connection, const std::vector<Place>& places) {
    Rows rows(
        connection,
        "SELECT t.id, t.experiment, c.hash AS config_hash FROM json_each(?) j CROSS JOIN trial t ON t.id = j.value "
        "LEFT JOIN config c ON c.id = t.config",
        json_list(ids_of(places)));
    std::unordered_map<TrialId, ConfigKey> keys;
    while (rows.next()) keys.emplace(rows.integer(0), ConfigKey(rows.text(1), rows.text(2)));
    return keys;
}

std::string config_with(Connection& connection, const std::string& hash) {
    Rows row(connection, "SELECT json AS config FROM config WHERE hash = ?", hash);
    if (!row.next()) row.damaged(fmt::format("the config {} is missing", hash));
    return row.text(0);
}

constexpr std::size_t shown = 8;  // candidates in a message

StoreError no_match(const std::string& sentence) { return {StoreError::Kind::no_match, sentence}; }

TrialId last_trial(Store& store, std::string_view experiment) {
    Rows row(store.connection(),
             "SELECT id FROM trial WHERE ?1 = '' OR experiment = ?1 "
             "ORDER BY training_started DESC NULLS LAST, id DESC LIMIT 1",
             experiment);
    if (!row.next()) throw no_match(fmt::format("there is no trial yet in store {}", store.file().string()));
    return row.integer(0);
}

TrialId trial_with_hash(Store& store, std::string_view name, std::string_view experiment) {
    const auto colon = name.find(':');
    const auto prefix = name.substr(0, colon);
    const auto seed = colon == name.npos ? std::nullopt : whole_number(name.substr(colon + 1));
    const bool is_hash = prefix.size() >= 4 && prefix.find_first_not_of("0123456789abcdef") == prefix.npos;
    if (!is_hash || (colon != name.npos && !seed))
        throw no_match(
            fmt::format("there is no trial '{}'; name one by its number, 'last', 'best:METRIC', or four or "
                        "more characters of its config_hash",
                        name));
    const auto found = with_hash(store.connection(), prefix, seed, experiment);
    if (found.empty())
        throw no_match(fmt::format("no trial's config_hash begins with '{}'; see: marginalia list", name));
    if (found.size() > 1)
        throw no_match(fmt::format("'{}' names {} trials ({}{}); give a number, more characters, or a seed as in {}:0",
                                   name, found.size(),
                                   fmt::join(std::span(found).first(std::min(found.size(), shown)), ", "),
                                   found.size() > shown ? ", ..." : "", prefix));
    return found.front();
}

}  // namespace

std::optional<std::int64_t> id_of_metric(Connection& connection, const std::string& name) {
    Rows row(connection, "SELECT id FROM metric_name WHERE name = ?", name);
    return row.next() ? std::optional(row.integer(0)) : std::nullopt;
}

std::vector<RankedTrial> best_trials(Store& store, const Ranking& ranking) {
    const auto places = places_of(store.connection(), ranking);
    Rows rows(store.connection(), select_trial + "WHERE t.id IN (SELECT value FROM json_each(?))",
              json_list(ids_of(places)));
    std::unordered_map<TrialId, Trial> trials;
    while (rows.next()) trials.emplace(rows.integer(0), read_trial(rows));
    std::vector<RankedTrial> ranked;
    for (const auto& place : places) ranked.push_back({std::move(trials.at(place.trial)), place.value});
    return ranked;
}

std::vector<RankedConfig> best_configs(Store& store, const Ranking& ranking) {
    auto all = ranking;
    all.limit = -1;
    const auto places = places_of(store.connection(), all);
    const auto keys = keys_of(store.connection(), places);
    std::map<ConfigKey, std::vector<Place>> groups;
    for (const auto& place : places) groups[keys.at(place.trial)].push_back(place);
    std::vector<RankedConfig> configs;
    for (const auto& [key, members] : groups) {
        if (std::ssize(members) < ranking.min_seeds) continue;
        RankedConfig config;
        std::tie(config.experiment, config.config_hash) = key;
        std::vector<double> values;
        for (const auto& member : members) config.trials.push_back(member.trial), values.push_back(member.value);
        set_statistics(config, values);
        configs.push_back(std::move(config));
    }
    std::ranges::stable_sort(configs, [&](const RankedConfig& a, const RankedConfig& b) {
        return ranking.highest ? a.mean > b.mean : a.mean < b.mean;
    });
    if (ranking.limit >= 0 && std::ssize(configs) > ranking.limit)
        configs.resize(static_cast<std::size_t>(ranking.limit));
    for (auto& config : configs) config.config = config_with(store.connection(), config.config_hash);
    return configs;
}

Trial resolve_trial(Store& store, std::string_view name, std::string_view experiment) {
    if (name == "last") return *store.find(last_trial(store, experiment));
    if (const auto number = whole_number(name))
        if (auto trial = store.find(*number)) return *trial;
    return *store.find(trial_with_hash(store, name, experiment));
}

}  // namespace marginalia::store
