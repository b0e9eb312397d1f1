// [table]: how an experiment's results are printed beside published ones. No part of a trial's identity.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace marginalia {

// A figure as it was published, with its error where one was.
struct PublishedFigure {
    double value = 0;
    std::optional<double> error;
};

// One method of the table: which trials are its, and what was published of it. With `cite` it is somebody else's
// method: it has no trials, and `published` is all there is of it.
struct PaperRow {
    std::string label;
    std::string experiment;  // whose trials; empty: those of the experiment itself
    std::vector<std::pair<std::string, std::vector<nlohmann::json>>> where;  // config key -> allowed values
    std::map<std::string, PublishedFigure> published;                        // column -> figure
    std::map<std::string, std::string> metrics;  // column -> another final metric that stands in it
    std::string target;                          // rows of one target stand together under it; empty: under none
    std::string cite;                            // where the figures stand; empty: the row is ours
    std::string hardware;                        // on which they were made; empty: not known
    bool second_hand = false;                    // they were read in a summary of what is cited
};

struct PaperTable {
    std::string title;
    std::vector<std::string> columns;  // final metrics
    std::map<std::string, double> limits;
    std::string note;  // empty: none
    std::vector<PaperRow> rows;
};

// The [table] of an experiment's text as the store keeps it; nullopt if it has none or is no TOML. Throws Error with a
// place in `file` if the table is not well formed, which a text that was run is not.
std::optional<PaperTable> paper_table_of(std::string_view text, const std::filesystem::path& file);

// Whether a trial's config has one of the allowed values under each key of `where`. A text matches a file name that
// ends with it, and "none" a table that is not there.
bool matches(const PaperRow& row, const nlohmann::json& config);

}  // namespace marginalia
