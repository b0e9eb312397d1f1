#include "kernel/host/results/stored_json.h"

namespace marginalia {
namespace {

bool is_too_deep(std::string_view text) {
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_text && c == '\\') ++i;
        else if (c == '"') in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{') && ++depth > deepest_json) return true;
        else if (!in_text && (c == ']' || c == '}')) --depth;
    }
    return false;
}

}  // namespace

template <class Json>
Json stored_json(std::string_view text) {
    if (is_too_deep(text)) return nullptr;
    Json json = Json::parse(text, nullptr, false);
    return json.is_discarded() ? Json() : json;
}

template nlohmann::json stored_json(std::string_view text);
template nlohmann::ordered_json stored_json(std::string_view text);

std::string_view member_text(std::string_view object, std::string_view name) {
    int depth = 0;
    std::size_t word = 0, value = object.npos;  // where the last text and the member's value begin
    bool in_text = false;
    for (std::size_t i = 0; i < object.size(); ++i) {
        const char c = object[i];
        if (c == '"') {
            in_text = !in_text;
            if (in_text) word = i + 1;
        } else if (in_text) {
            i += c == '\\';
        } else if (c == ':' && depth == 1 && value == object.npos) {
            if (object.substr(word, name.size() + 1) == std::string(name) + '"') value = i + 1;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']' || c == ',') {
            if (value != object.npos && depth == 1) return object.substr(value, i - value);
            depth -= c != ',';
        }
    }
    return {};
}

}  // namespace marginalia
