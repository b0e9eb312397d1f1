#include "kernel/host/results/html.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <cmath>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/host/results/assets.h"
#include "kernel/host/results/curves.h"
#include "kernel/host/results/page_parts.h"
#include "kernel/host/results/results.h"
#include "kernel/host/results/where.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

constexpr std::size_t most_of_one_text = 1'000'000;  // bytes

void add_charts(std::string& page, const nlohmann::json& data) {
    const std::string legend = data["drawn"].size() > 1 ? "<div class=\"legend\"></div>\n" : "";
    if (!data["curves"].empty())
        page += "<h2>Learning curves</h2>\n<div class=\"controls\" id=\"controls\"></div>\n" + legend +
                "<div class=\"charts\" id=\"curves\"></div>\n<div class=\"charts small\" id=\"more\"></div>\n";
    if (!data["sizes"].empty())
        page +=
            "<h2>Marginal error by subset size</h2>\n<p class=\"note\">Log-marginals of the model against exact ones, "
            "for "
            "random subsets of each size: how the error grows as more sites are marginalised out or kept.</p>\n" +
            (data["curves"].empty() ? legend : std::string()) + "<div class=\"charts\" id=\"sizes\"></div>\n";
}

std::string condition_part(const std::string& condition) {
    if (condition.empty()) return {};
    return fmt::format("<p class=\"note\">Only trials where <code>{}</code>.</p>\n", html(condition));
}

}  // namespace

std::string report_page(store::Store& store, const std::string& experiment, const std::string& condition) {
    const ExperimentResults results =
        load_results(store, {.experiment = experiment, .only = chosen_by(store, condition)});
    if (results.trials.empty() && !condition.empty())
        throw store::StoreError(store::StoreError::Kind::no_match,
                                fmt::format("no trial of '{}' meets the condition", experiment));
    if (results.trials.empty())
        throw Error(fmt::format("no experiment '{}' in this store; `marginalia list` shows what there is", experiment));
    const store::Sweep newest = store::newest_sweep(store, experiment);
    const std::size_t runs = store::sweep_ids(store, experiment).size();
    const std::vector<std::size_t> drawn = drawn_groups(results);
    nlohmann::json data = {{"groups", nlohmann::json::array()},
                           {"drawn", nlohmann::json::array()},
                           {"curves", nlohmann::json::array()},
                           {"sizes", nlohmann::json::array()},
                           {"samples", nlohmann::json::array()}};
    for (const Group& group : results.groups) data["groups"].push_back(group.label);
    std::set<std::size_t> coloured;
    for (const Curve& curve : load_curves(store, results, drawn)) {
        data[is_by_size(curve.metric) ? "sizes" : "curves"].push_back(to_page(curve, results));
        for (const Series& series : curve.series) coloured.insert(series.group);
    }
    data["drawn"] = coloured;

    std::string body = header_part(results, newest) + condition_part(condition) + headline_part(results) +
                       results_part(results, {coloured.begin(), coloured.end()});
    add_charts(body, data);
    body += samples_part(store, results, drawn, data["samples"]);
    body += configuration_part(results) + trials_part(store, results) + provenance_part(newest, runs) +
            footer_part(results);

    return fmt::format(
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<title>{} · marginalia</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
               html(experiment), page_css()) +
           body + "</main>\n<script type=\"application/json\" id=\"data\">" + script_json(data) +
           "</script>\n<script>" + std::string(chart_js()) + "</script>\n<script>" + std::string(page_js()) +
           "</script>\n</body>\n</html>\n";
}

std::string html(std::string_view text) {
    std::string out;
    for (const char c : printable_lines(text, most_of_one_text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string sort_value(double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : not_finite_name(value);
}

std::string script_json(const nlohmann::json& value) {
    std::string out;
    for (const char c : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) {
        if (c == '<') out += "\\u003c";
        else out += c;
    }
    return out;
}

}  // namespace marginalia
