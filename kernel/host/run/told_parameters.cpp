#include "kernel/host/run/told_parameters.h"

#include <marginalia/error.h>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"
#include "kernel/spec/space_point.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace {

void check_key(const std::string& key) {
    const std::string table = key.substr(0, key.find('.'));
    if (key == "seeds" || config::is_kernel_table(table) || config::is_plugin_table(table) || table == "stage1") {
        if (table != "run") return;
        throw Error("'" + key +
                    "' cannot be told: [run] sets how trials are run, not what they compute; give it to tell itself");
    }
    throw Error("'" + key + "' is not a parameter of a trial" + suggestion(table, config::swept_tables(), "Tables"));
}

std::string value_text(const std::string& key, const nlohmann::json& value) {
    if (value.is_array()) {
        std::string text;
        for (const nlohmann::json& one : value) text += (text.empty() ? "" : ", ") + value_text(key, one);
        return "[" + text + "]";
    }
    if (!value.is_primitive() || value.is_null())
        throw Error("'" + key + "' must be true, false, a number or a text, not " + value.dump());
    return config::toml_scalar(value);
}

}  // namespace

std::vector<std::string> told_overrides(const nlohmann::json& parameters, const Space& space) {
    if (!parameters.is_object())
        throw Error("\"parameters\" must be an object of keys and values, {\"train.steps\": 100}");
    std::vector<std::string> overrides;
    for (const auto& [key, value] : parameters.items()) {
        check_key(key);
        if (value.is_array() && key != "seeds")
            throw Error("'" + key + "' is one value in a trial, not a list; tell a line for each of them");
        overrides.push_back(key + "=" + value_text(key, value));
    }
    for (const SpaceParameter& parameter : space.parameters) {
        if (parameters.contains(parameter.key)) continue;
        if (parameter.condition.is_null() || holds(parameter.condition, parameters))
            throw Error("'" + parameter.key + "' is missing among the parameters; every trial of the sweep has it" +
                        (parameter.condition.is_null() ? "" : " where " + parameter.condition.dump()));
        overrides.push_back("~" + parameter.key);
    }
    return overrides;
}

}  // namespace marginalia
