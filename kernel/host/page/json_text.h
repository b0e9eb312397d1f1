// JSON for the page: what a store holds may be of a stranger's making.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace marginalia::page {

using Json = nlohmann::ordered_json;

// A number that is finite, else "Infinity", "-Infinity" or "NaN".
Json number(double value);

// The same, cut to nine digits: for what was computed of others.
Json short_number(double value);

// The numbers cut to six digits; null where one is not finite.
Json rounded(const std::vector<double>& values);

// As text that can stand in a script element, too: no '<' in it. All texts and names in it are made printable, line
// breaks and tabs kept, and what is longer than 1,000,000 bytes is cut.
std::string json_text(Json value);

}  // namespace marginalia::page
