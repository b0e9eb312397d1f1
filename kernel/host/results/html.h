// The page that `marginalia report` writes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "store/store.h"

namespace marginalia {

// One self-contained HTML page about an experiment, opening offline: headline numbers, results by configuration,
// learning curves with bands over seeds, marginal error by subset size, sampled states, configuration, trials and where
// they came from. Everything from the store is escaped. Throws Error if the experiment has no trials. `condition`: only
// the trials that meet it (where.h), which the page says; empty: all.
std::string report_page(store::Store& store, const std::string& experiment, const std::string& condition = {});

// Text as HTML text or attribute value; controls and marks of direction are made printable, line breaks stay, and of a
// text beyond 1,000,000 bytes the rest is left out.
std::string html(std::string_view text);

// A number by which page.js sorts: all its digits, "Infinity" or "NaN".
std::string sort_value(double value);

// JSON that can stand in a script element: no "</" and no "<!--" in it, invalid UTF-8 replaced.
std::string script_json(const nlohmann::json& value);

}  // namespace marginalia
