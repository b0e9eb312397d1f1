#include "kernel/spec/space.h"

#include <cstdint>

namespace marginalia {
namespace {

// Bounds of whole numbers as such: 4, not 4.0.
nlohmann::json bound(double value, SpaceParameter::Kind kind) {
    return kind == SpaceParameter::Kind::integer ? nlohmann::json(static_cast<std::int64_t>(value))
                                                 : nlohmann::json(value);
}

}  // namespace

void to_json(nlohmann::json& json, const SpaceParameter& parameter) {
    using Kind = SpaceParameter::Kind;
    const Kind kind = parameter.kind;
    json = {{"key", parameter.key},
            {"kind", kind == Kind::choice    ? "choice"
                     : kind == Kind::integer ? "int"
                                             : "float"}};
    if (kind == Kind::choice) json["choices"] = parameter.choices;
    else {
        json["low"] = bound(parameter.low, kind);
        json["high"] = bound(parameter.high, kind);
        if (parameter.log) json["log"] = true;
        if (parameter.step > 0) json["step"] = bound(parameter.step, kind);
    }
    if (!parameter.condition.is_null()) json["condition"] = parameter.condition;
    if (parameter.zip > 0) json["zip"] = parameter.zip;
}

void to_json(nlohmann::json& json, const Space& space) {
    json = {{"parameters", space.parameters}, {"exclude", space.exclude}};
}

}  // namespace marginalia
