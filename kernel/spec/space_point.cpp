#include "kernel/spec/space_point.h"

#include <algorithm>
#include <string>

#include "kernel/spec/identity.h"

namespace marginalia {
namespace {

bool within(const std::string& bound, double limit, double value) {
    if (bound == "above") return value > limit;
    if (bound == "below") return value < limit;
    return bound == "at_least" ? value >= limit : value <= limit;
}

bool accepts(const nlohmann::json& test, const nlohmann::json& value) {
    if (test.is_array()) return std::find(test.begin(), test.end(), value) != test.end();  // JSON's 1 and 1.0 are equal
    if (!value.is_number()) return false;
    for (const auto& [bound, limit] : test.items())
        if (!within(bound, limit.get<double>(), value.get<double>())) return false;
    return true;
}

// Null: the config does not have it.
nlohmann::json value_in(const nlohmann::json& config, const std::string& key) {
    const std::size_t first = key.find('.'), last = key.rfind('.');
    const auto table = config.find(key.substr(0, first));
    if (table == config.end() || first == key.npos) return nullptr;
    if (first != last && key.substr(first + 1, last - first - 1) != plugin_named(*table)) return nullptr;
    return table->value(key.substr(last + 1), nlohmann::json());
}

}  // namespace

bool holds(const nlohmann::json& condition, const nlohmann::json& point) {
    for (const auto& [key, test] : condition.items())
        if (!point.contains(key) || !accepts(test, point.at(key))) return false;
    return true;
}

nlohmann::json point_of(const nlohmann::json& config, const Space& space) {
    nlohmann::json point = nlohmann::json::object();
    for (const SpaceParameter& parameter : space.parameters) {
        nlohmann::json asked = nlohmann::json::object();  // what the condition is about
        if (!parameter.condition.is_null())
            for (const auto& [key, test] : parameter.condition.items())
                if (nlohmann::json value = value_in(config, key); !value.is_null()) asked[key] = std::move(value);
        nlohmann::json value = value_in(config, parameter.key);
        if (!value.is_null() && (parameter.condition.is_null() || holds(parameter.condition, asked)))
            point[parameter.key] = std::move(value);
    }
    return point;
}

}  // namespace marginalia
