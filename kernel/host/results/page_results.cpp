// The report's head: what it is about, its headline numbers, the table of configurations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernel/host/results/html.h"
#include "kernel/host/results/page_parts.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

// A headline number in a unit that needs no leading zeros.
struct Scaled {
    double factor = 1;
    std::string unit;
};

Scaled scaled(const std::string& metric, double value) {
    const std::string unit = metric_info(metric).unit;
    if (unit != "s" || value >= 1 || value <= 0) return {1, unit};
    return value < 1e-3 ? Scaled{1e6, "µs"} : Scaled{1e3, "ms"};
}

std::string headline_metric(const ExperimentResults& results) {
    for (const std::string& name : results.final_names)
        if (metric_info(name).goal != Goal::none && best_group(results, name)) return name;
    return {};
}

std::string card_note(const Estimate& estimate, const std::optional<double>& error, bool of_samples, double factor) {
    if (!error) return "1 seed";
    const std::string text = "± " + number_text(*error * factor, 2);
    return fmt::format("{}<br>{}", text, of_samples ? "1 seed" : fmt::format("{} seeds", estimate.count));
}

std::string card(const ExperimentResults& results, const Group& group, const std::string& metric) {
    const Estimate& estimate = group.finals.at(metric);
    const ShownEstimate shown = shown_estimate(group, metric);
    std::optional<double> error;
    if (shown.value[1].is_number()) error = shown.value[1].get<double>();
    const Scaled scale = scaled(metric, estimate.mean);
    std::string more = card_note(estimate, error, shown.of_samples, scale.factor);
    const auto floor = results.references.find("entropy_bits_exact");
    if (metric == "nll_bits" && floor != results.references.end() && floor->second.size() == 1)
        more += fmt::format(", limit {}", number_text(floor->second.front()));
    const std::string unit =
        scale.unit.empty() ? "" : fmt::format(" <span class=\"unit\">[{}]</span>", html(scale.unit));
    return fmt::format(
        "<div class=\"card\" title=\"{}\"><div class=\"name\">{}{}</div><div class=\"value\">{}</div>"
        "<div class=\"more\">{}</div></div>\n",
        html(metric_info(metric).about), html(metric), unit, number_text(estimate.mean * scale.factor), more);
}

// The best mean in a column, to be marked where there is a choice and not all are alike.
std::optional<double> best_value(const ExperimentResults& results, const std::string& metric) {
    if (results.groups.size() < 2 || metric_info(metric).goal == Goal::none) return std::nullopt;
    const std::optional<std::size_t> best = best_group(results, metric);
    if (!best) return std::nullopt;
    const double value = results.groups[*best].finals.at(metric).mean;
    const bool differ = std::any_of(results.groups.begin(), results.groups.end(), [&](const Group& group) {
        const auto found = group.finals.find(metric);
        return found != group.finals.end() && found->second.mean != value;
    });
    return differ ? std::optional(value) : std::nullopt;
}

std::string metric_cell(const Group& group, const std::string& metric, const std::optional<double>& best) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end()) return "<td class=\"number\" data-value=\"\"></td>";
    const bool marked = best && found->second.mean == *best;
    std::string text = html(shown_estimate(group, metric).text);
    if (const std::size_t error = text.find(" ± "); error != std::string::npos)
        text = text.substr(0, error) + "<span class=\"error\">" + text.substr(error + 1) + "</span>";
    return fmt::format("<td class=\"number{}\" data-value=\"{}\">{}</td>", marked ? " best" : "",
                       sort_value(found->second.mean), text);
}

std::string references_text(const ExperimentResults& results) {
    std::string text;
    for (const auto& [name, values] : results.references) {
        std::string list;
        for (const double value : values) list += (list.empty() ? "" : ", ") + exact_text(value);
        text += fmt::format("{}{} = {} {}", text.empty() ? "" : "; ", html(name), list, html(metric_info(name).unit));
    }
    return text;
}

}  // namespace

std::optional<std::size_t> best_group(const ExperimentResults& results, const std::string& metric) {
    std::optional<std::size_t> best;
    const Goal goal = metric_info(metric).goal;
    for (std::size_t g = 0; g < results.groups.size(); ++g) {
        const auto found = results.groups[g].finals.find(metric);
        if (found == results.groups[g].finals.end() || !std::isfinite(found->second.mean)) continue;
        const double mean = found->second.mean;
        const double so_far = best ? results.groups[*best].finals.at(metric).mean : mean;
        if (!best || badness(mean, goal) < badness(so_far, goal)) best = g;
    }
    return best;
}

std::vector<std::size_t> drawn_groups(const ExperimentResults& results) {
    std::vector<std::size_t> groups(results.groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) groups[g] = g;
    if (groups.size() <= most_drawn_groups) return groups;
    const std::string metric = headline_metric(results);
    const Goal goal = metric_info(metric).goal;
    auto rank = [&](std::size_t g) {
        const auto found = results.groups[g].finals.find(metric);
        return found == results.groups[g].finals.end() || !std::isfinite(found->second.mean)
                   ? std::numeric_limits<double>::infinity()
                   : badness(found->second.mean, goal);
    };
    std::stable_sort(groups.begin(), groups.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    groups.resize(most_drawn_groups);
    std::sort(groups.begin(), groups.end());
    return groups;
}

std::string header_part(const ExperimentResults& results, const store::Sweep& newest) {
    std::map<store::Status, std::size_t> counts;
    std::set<std::int64_t> seeds;
    std::set<std::string> hosts, devices;
    std::optional<double> last;
    double seconds = 0;
    for (const TrialResult& result : results.trials) {
        const store::Trial& trial = result.trial;
        ++counts[trial.status];
        seeds.insert(trial.seed);
        if (!trial.host.empty()) hosts.insert(trial.host);
        if (!trial.device.empty()) devices.insert(trial.device);
        if (trial.finished && (!last || *trial.finished > *last)) last = trial.finished;
        seconds += running_time(trial, now_seconds()).value_or(0);
    }
    std::string facts;
    auto fact = [&facts](const std::string& strong, const std::string& text) {
        facts += fmt::format("<span><b>{}</b> {}</span>", html(strong), html(text));
    };
    for (const auto& [status, count] : counts) fact(std::to_string(count), std::string(store::name_of(status)));
    fact(std::to_string(results.groups.size()), results.groups.size() == 1 ? "configuration" : "configurations");
    fact(std::to_string(seeds.size()), seeds.size() == 1 ? "seed" : "seeds");
    if (seconds > 0) fact(duration_text(seconds), "of training and evaluation");
    std::string places;
    for (const std::string& device : devices) places += (places.empty() ? "" : ", ") + device;
    for (const std::string& host : hosts) places += (host == *hosts.begin() ? " on " : ", ") + host;
    if (!places.empty()) fact(places, "");
    if (last) fact(time_text(*last), "last trial ended");
    const std::string& description = newest.description;
    return fmt::format(
        "<div class=\"brand\">marginalia experiment</div>\n<h1>{}</h1>\n{}<div class=\"facts\">{}</div>\n",
        html(results.name), description.empty() ? "" : "<p class=\"soft\">" + html(description) + "</p>\n", facts);
}

std::string headline_part(const ExperimentResults& results) {
    const std::string first = headline_metric(results);
    if (first.empty()) return "<p class=\"soft\">No trial is done yet: final numbers appear here when one is.</p>\n";
    const Group& group = results.groups[*best_group(results, first)];
    std::string cards;
    std::size_t count = 0;
    constexpr std::size_t most = 10;
    for (const std::string& metric : results.final_names)
        if (group.finals.contains(metric) && count++ < most) cards += card(results, group, metric);
    const std::string which = results.groups.size() == 1
                                  ? std::string()
                                  : fmt::format(
                                        "<p class=\"soft\" style=\"margin-top:20px\">Best of {} configurations by {}: "
                                        "<b>{}</b></p>\n",
                                        results.groups.size(), html(first), html(group.label));
    const std::size_t shown = std::min(count, most), in_a_row = shown > 7 ? (shown + 1) / 2 : shown;
    return which +
           fmt::format("<div class=\"cards\" style=\"--cards:{}{}\">\n", in_a_row,
                       which.empty() ? "" : ";margin-top:8px") +
           cards + "</div>\n";
}

std::string results_part(const ExperimentResults& results, const std::vector<std::size_t>& coloured) {
    if (results.groups.size() < 2) {
        const std::string references = references_text(results);
        return references.empty()
                   ? ""
                   : "<p class=\"note\" style=\"margin-top:12px\">Exact values of the target: " + references + "</p>\n";
    }
    std::string out = "<h2>Results by configuration</h2>\n<div class=\"scroll\"><table><thead><tr>";
    for (const std::string& key : results.differing)
        out +=
            fmt::format("<th data-sort=\"\" title=\"{}\">{}</th>", html(key), html(short_key(key, results.differing)));
    out += "<th class=\"number\" data-sort=\"\" title=\"seeds done of those planned\">seeds</th>";
    for (const std::string& metric : results.final_names) {
        const MetricInfo info = metric_info(metric);
        out += fmt::format("<th class=\"number\" data-sort=\"\" title=\"{}\">{}<span class=\"unit\">{}</span></th>",
                           html(info.about), html(metric), html(info.unit));
    }
    out += "</tr></thead><tbody>\n";
    std::vector<std::optional<double>> best;  // by column
    for (const std::string& metric : results.final_names) best.push_back(best_value(results, metric));
    for (std::size_t g = 0; g < results.groups.size(); ++g) {
        const Group& group = results.groups[g];
        const bool has_colour = std::find(coloured.begin(), coloured.end(), g) != coloured.end();
        std::string swatch = has_colour ? fmt::format("<span class=\"swatch\" data-group=\"{}\"></span>", g) : "";
        out += "<tr>";
        for (const std::string& key : results.differing) {
            const std::string value = config_value(group.config, key);
            out += fmt::format("<td data-value=\"{0}\">{1}{0}</td>", html(value), swatch);
            swatch.clear();
        }
        out += fmt::format("<td class=\"number\" data-value=\"{}\">{} / {}</td>", group.done, group.done,
                           group.trials.size());
        for (std::size_t m = 0; m < best.size(); ++m) out += metric_cell(group, results.final_names[m], best[m]);
        out += "</tr>\n";
    }
    out +=
        "</tbody></table></div>\n<p class=\"note\">Mean ± standard error over the seeds that are done; the best mean "
        "of each column "
        "in green; values that were not finite are left out and counted.";
    const std::string references = references_text(results);
    if (!references.empty()) out += " Exact values of the target: " + references + ".";
    if (results.groups.size() > most_drawn_groups)
        out += fmt::format(" The charts show the {} best by {}.", most_drawn_groups, html(headline_metric(results)));
    return out + "</p>\n";
}

}  // namespace marginalia
