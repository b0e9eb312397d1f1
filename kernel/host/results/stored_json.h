// JSON that a store holds, which may be of anybody's making.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace marginalia {

inline constexpr int deepest_json = 100;  // arrays and objects within each other

// null where it is no JSON, or so deep that to walk it would take the stack.
template <class Json = nlohmann::json>
Json stored_json(std::string_view text);

extern template nlohmann::json stored_json(std::string_view text);
extern template nlohmann::ordered_json stored_json(std::string_view text);

// The text of a member of the outermost object; empty where it has none. What comes behind it is not looked at, and of
// text that is no JSON anything may come.
std::string_view member_text(std::string_view object, std::string_view name);

}  // namespace marginalia
