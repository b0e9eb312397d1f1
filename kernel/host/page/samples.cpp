// What trials have drawn: states, pictures and texts.
#include <optional>

#include "kernel/base/printable.h"
#include "kernel/host/page/base64.h"
#include "kernel/host/page/documents.h"
#include "kernel/host/results/stored_json.h"

namespace marginalia::page {
namespace {

constexpr std::size_t most_states = 36, most_sites = 20'000, most_symbol = 255;
constexpr std::size_t most_of_a_text = 100'000, most_of_a_picture = 2'000'000;  // bytes

bool is_state(const Json& state) {
    if (!state.is_array() || state.empty() || state.size() > most_sites) return false;
    for (const Json& site : state)
        if (!site.is_number_unsigned() || site.get<std::uint64_t>() > most_symbol) return false;
    return true;
}

// The shape that is said, if so many sites have it; else a row.
Json shape_of(const Json& data, std::size_t sites) {
    std::size_t product = 1;
    const auto found = data.find("shape");
    const bool is_list = found != data.end() && found->is_array() && !found->empty() && found->size() <= 3;
    if (!is_list) return {sites};
    for (const Json& length : *found) {
        if (!length.is_number_unsigned() || length.get<std::uint64_t>() > most_sites) return {sites};
        product *= length.get<std::size_t>();
    }
    return product == sites ? *found : Json{sites};
}

// Checked here, so that the page can rely on the shape of what it draws; nullopt for data that is not as documented.
std::optional<Json> checked_states(const std::string& text) {
    const Json data = stored_json<Json>(text);
    if (!data.is_object() || !data.contains("states") || !data["states"].is_array() || data["states"].empty())
        return std::nullopt;
    if (!data.contains("categories") || !data["categories"].is_number_unsigned()) return std::nullopt;
    Json states = Json::array(), texts = Json::array();
    for (const Json& state : data["states"]) {
        if (states.size() >= most_states || !is_state(state)) break;
        if (!states.empty() && state.size() != states[0].size()) break;
        states.push_back(state);
    }
    if (states.empty()) return std::nullopt;
    if (data.contains("texts") && data["texts"].is_array())
        for (const Json& line : data["texts"])
            if (line.is_string() && texts.size() < states.size()) texts.push_back(line);
    return Json{{"kind", "states"},
                {"categories", data["categories"]},
                {"shape", shape_of(data, states[0].size())},
                {"states", std::move(states)},
                {"texts", std::move(texts)}};
}

std::optional<Json> content_of(const store::Sample& sample) {
    if (sample.kind == "svg") {  // as an image, where no script in it can run
        if (sample.data.size() > most_of_a_picture) return std::nullopt;
        return Json{{"kind", "svg"}, {"data", "data:image/svg+xml;base64," + base64(sample.data)}};
    }
    if (sample.kind == "text") return Json{{"kind", "text"}, {"text", printable_lines(sample.data, most_of_a_text)}};
    return checked_states(sample.data);
}

}  // namespace

Json samples_of_trial(store::Store& store, store::TrialId trial) {
    Json list = Json::array();
    for (const store::Sample& sample : store::samples_of(store, trial, {}, true)) {
        std::optional<Json> content = content_of(sample);
        if (!content) continue;
        Json json = {{"name", sample.name}, {"step", sample.step}};
        json.update(*content);
        list.push_back(std::move(json));
    }
    return list;
}

Json samples_document(store::Store& store, const std::vector<store::TrialId>& trials) {
    Json samples = Json::object();
    for (const store::TrialId trial : trials) samples[std::to_string(trial)] = samples_of_trial(store, trial);
    return {{"samples", std::move(samples)}};
}

}  // namespace marginalia::page
