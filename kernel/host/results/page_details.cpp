// The report's second half: samples, configuration, trials, provenance.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/host/results/html.h"
#include "kernel/host/results/page_parts.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

constexpr std::size_t most_states = 36;

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

// Checked here, so that page.js can rely on the shape of what it draws; nullopt for data that is not as documented.
std::optional<nlohmann::json> checked_states(const std::string& text) {
    const nlohmann::json data = nlohmann::json::parse(text, nullptr, false);
    if (!data.is_object() || !data.contains("states") || !data["states"].is_array() || data["states"].empty())
        return std::nullopt;
    if (!data.contains("categories") || !data["categories"].is_number_integer()) return std::nullopt;
    nlohmann::json sample = {
        {"categories", data["categories"]}, {"states", nlohmann::json::array()}, {"texts", nlohmann::json::array()}};
    for (const nlohmann::json& state : data["states"]) {
        if (!state.is_array() || sample["states"].size() >= most_states) break;
        sample["states"].push_back(state);
    }
    if (sample["states"].empty()) return std::nullopt;
    sample["shape"] =
        data.contains("shape") && data["shape"].is_array() ? data["shape"] : nlohmann::json{sample["states"][0].size()};
    if (data.contains("texts") && data["texts"].is_array())
        for (const nlohmann::json& line : data["texts"])
            if (line.is_string() && sample["texts"].size() < most_states) sample["texts"].push_back(line);
    return sample;
}

std::string picture(const store::Sample& sample, nlohmann::json& data) {
    if (sample.kind == "svg")  // as an image, where no script in it can run
        return "<div class=\"states\"><img alt=\"" + html(sample.name) + "\" src=\"data:image/svg+xml;base64," +
               base64(sample.data) + "\"></div>";
    if (sample.kind == "text")
        return (sample.data.find('\n') == std::string::npos ? "<p class=\"soft\">" : "<pre>") + html(sample.data) +
               (sample.data.find('\n') == std::string::npos ? "</p>" : "</pre>");
    std::optional<nlohmann::json> states = checked_states(sample.data);
    if (!states) return {};
    data.push_back(std::move(*states));
    return fmt::format("<div class=\"states\" data-sample=\"{}\"></div>", data.size() - 1);
}

// The trial whose states stand for its group: the first that is done and has some, else the first that has some.
std::vector<store::Sample> group_samples(store::Store& store, const ExperimentResults& results, const Group& group,
                                         store::TrialId& from) {
    std::vector<std::size_t> order = group.trials;
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t index) { return results.trials[index].trial.status == store::Status::done; });
    for (const std::size_t index : order) {
        from = results.trials[index].trial.id;
        std::vector<store::Sample> samples = store::samples_of(store, from, {}, true);
        if (!samples.empty()) return samples;
    }
    return {};
}

std::string value_row(const std::string& key, const std::string& value) {
    return fmt::format("<tr><td>{}</td><td class=\"wrap\">{}</td></tr>\n", html(key), html(value));
}

// More about the trial of the row above, which it stays with when rows are sorted.
std::string row_below(std::string_view classes, std::size_t columns, std::string_view text) {
    return fmt::format("</tr><tr class=\"{}\"><td></td><td colspan=\"{}\">{}</td>", classes, columns,
                       html(printable_lines(text)));
}

std::string trial_row(const ExperimentResults& results, const TrialResult& result,
                      const std::vector<std::string>& metrics, bool has_more) {
    const store::Trial& trial = result.trial;
    const std::string status(store::name_of(trial.status));
    std::string row = fmt::format(
        "<tr{}><td class=\"number\">{}</td><td class=\"state {}\">{}</td><td class=\"number\">{}</td>",
        trial.error.empty() && !has_more ? "" : " class=\"with-why\"", trial.id, status, status, trial.seed);
    for (const std::string& key : results.differing)
        row += fmt::format("<td>{}</td>", html(config_value(result.config, key)));
    for (const std::string& metric : metrics) {
        const auto found = result.finals.find(metric);
        const std::string text = found == result.finals.end() ? "" : number_text(found->second);
        row += fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>",
                           found == result.finals.end() ? "" : sort_value(found->second), text);
    }
    const std::optional<double> seconds = running_time(trial, now_seconds());
    row += fmt::format("<td class=\"number\" data-value=\"{}\">{}</td><td>{}</td>",
                       seconds ? fmt::format("{:.3f}", *seconds) : "", seconds ? duration_text(*seconds) : "",
                       html(trial.device));
    return row;
}

// Flat keys; the entries of lists one by one.
FlatConfig provenance_lines(const std::string& text) {
    nlohmann::json record = nlohmann::json::parse(text, nullptr, false);
    if (!record.is_object()) return {};
    FlatConfig lines;
    record.erase("code");  // for this machine, not for people
    for (const char* list : {"plugins", "command_line"}) {
        if (!record.contains(list) || !record[list].is_array()) continue;
        for (const nlohmann::json& entry : record[list]) {
            if (entry.is_string()) {
                lines[list] += (lines[list].empty() ? "" : " ") + entry.get<std::string>();
            } else if (entry.is_object()) {
                const FlatConfig flat = flatten(entry);
                lines[fmt::format("plugin {} {}", config_value(flat, "kind"), config_value(flat, "name"))] =
                    fmt::format("{}, sha256 {}", config_value(flat, "path"), config_value(flat, "sha256"));
            }
        }
        record.erase(list);
    }
    lines.merge(flatten(record));
    return lines;
}

std::string block(const std::string& title, const std::string& text) {
    return "<details><summary>" + html(title) + "</summary><pre>" + html(text) + "</pre></details>\n";
}

}  // namespace

std::string samples_part(store::Store& store, const ExperimentResults& results, const std::vector<std::size_t>& groups,
                         nlohmann::json& data) {
    std::string out;
    std::set<std::string> texts;  // such as how reference samples were drawn: the same for all
    for (const std::size_t g : groups) {
        const Group& group = results.groups[g];
        store::TrialId trial = 0;
        for (const store::Sample& sample : group_samples(store, results, group, trial)) {
            if (sample.kind == "text" && !texts.insert(sample.name + sample.data).second) continue;
            const std::string drawn = picture(sample, data);
            if (drawn.empty()) continue;
            const std::string which =
                results.groups.size() > 1
                    ? fmt::format("<span class=\"swatch\" data-group=\"{}\"></span>{} · ", g, html(group.label))
                    : std::string();
            out += fmt::format(
                "<div class=\"gallery\"><h3>{}{} <span class=\"note\">trial {}, step {}</span></h3>{}</div>\n", which,
                html(sample.name), trial, sample.step, drawn);
        }
    }
    return out.empty() ? out : "<h2>Samples and notes</h2>\n" + out;
}

std::string configuration_part(const ExperimentResults& results) {
    std::map<std::string, std::string> tables;
    for (const auto& [key, value] : results.shared) {
        const std::size_t dot = key.find('.');
        const bool top = dot == std::string::npos;
        tables[top ? "" : key.substr(0, dot)] += value_row(top ? key : key.substr(dot + 1), value);
    }
    for (const std::string& key : results.differing) {
        std::set<std::string> values;
        std::string list;
        for (const Group& group : results.groups)
            if (const std::string value = config_value(group.config, key); values.insert(value).second)
                list += (list.empty() ? "" : ", ") + value;
        const std::size_t dot = key.find('.');
        const bool top = dot == std::string::npos;
        tables[top ? "" : key.substr(0, dot)] +=
            fmt::format("<tr><td><b>{}</b></td><td class=\"wrap\"><b>{}</b></td></tr>\n",
                        html(top ? key : key.substr(dot + 1)), html(list));
    }
    std::string out = "<h2>Configuration</h2>\n";
    if (!results.differing.empty())
        out += "<p class=\"note\">Keys that vary in the sweep are bold, with all their values.</p>\n";
    out += "<div class=\"columns\">\n";
    for (const auto& [name, rows] : tables)
        out += fmt::format("<div class=\"scroll\"><h3>{}</h3><table><tbody>{}</tbody></table></div>\n",
                           html(name.empty() ? "experiment" : name), rows);
    return out + "</div>\n";
}

std::string trials_part(store::Store& store, const ExperimentResults& results) {
    constexpr std::size_t most_metrics = 4;
    std::vector<std::string> metrics = results.final_names;
    if (metrics.size() > most_metrics) metrics.resize(most_metrics);
    const bool tagged = std::any_of(results.trials.begin(), results.trials.end(),
                                    [](const TrialResult& result) { return !result.trial.tags.empty(); });
    std::string out =
        "<h2>Trials</h2>\n<div class=\"scroll\"><table><thead><tr><th class=\"number\" data-sort=\"\">trial</th>"
        "<th data-sort=\"\">status</th><th class=\"number\" data-sort=\"\">seed</th>";
    for (const std::string& key : results.differing)
        out += fmt::format("<th data-sort=\"\">{}</th>", html(short_key(key, results.differing)));
    for (const std::string& metric : metrics)
        out += fmt::format("<th class=\"number\" data-sort=\"\">{}<span class=\"unit\">{}</span></th>", html(metric),
                           html(metric_info(metric).unit));
    out += "<th class=\"number\" data-sort=\"\">time</th><th data-sort=\"\">device</th>";
    if (tagged) out += "<th data-sort=\"\">tags</th>";
    out += "</tr></thead><tbody>\n";
    const std::size_t columns = 4 + results.differing.size() + metrics.size() + (tagged ? 1 : 0);
    for (const TrialResult& result : results.trials) {
        const std::vector<store::Note> notes = store::notes_of(store, result.trial.id);
        out += trial_row(results, result, metrics, !notes.empty());
        if (tagged) out += fmt::format("<td>{}</td>", html(result.trial.tags));
        if (!result.trial.error.empty()) out += row_below("why", columns, result.trial.error);
        for (const store::Note& note : notes)
            out += row_below("why said", columns, time_text(note.created) + "  " + note.text);
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n";
}

std::string provenance_part(const store::Sweep& newest, std::size_t runs) {
    constexpr std::size_t long_value = 160;
    std::string rows, blocks;
    for (const auto& [key, value] : provenance_lines(newest.provenance)) {
        if (value.size() > long_value || value.find('\n') != std::string::npos) blocks += block(key, value);
        else rows += value_row(key, value);
    }
    std::string out = "<h2>Provenance</h2>\n<p class=\"note\">" +
                      html(fmt::format("Run {} from {}", time_text(newest.created), newest.file)) +
                      (runs > 1 ? html(fmt::format(", the newest of {} runs of this experiment", runs)) : "") +
                      "</p>\n";
    if (!newest.toml.empty()) blocks = block("experiment file as run", newest.toml) + blocks;
    if (!rows.empty())
        out += "<details><summary>versions, commit, host</summary><div class=\"scroll\"><table><tbody>" + rows +
               "</tbody></table></div></details>\n";
    return out + blocks;
}

std::string footer_part(const ExperimentResults& results) {
    return fmt::format(
        "<footer>Written by marginalia {}. The same numbers: <code>marginalia list --experiment {}</code>, "
        "<code>marginalia show TRIAL</code>, <code>marginalia query \"SELECT …\"</code>.</footer>\n",
        time_text(now_seconds()), html(results.name));
}

}  // namespace marginalia
