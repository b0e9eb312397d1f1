#include "kernel/host/page/json_text.h"

#include <cmath>

#include "kernel/base/printable.h"

namespace marginalia::page {
namespace {

constexpr std::size_t most_of_one_text = 1'000'000;  // bytes

bool is_plain(const std::string& text) {
    for (const char c : text)
        if (c < 0x20 || c > 0x7E) return false;
    return text.size() <= most_of_one_text;
}

void make_names_printable(Json& object) {
    Json named = Json::object();
    for (auto& [name, entry] : object.get_ref<Json::object_t&>()) named[printable_lines(name)] = std::move(entry);
    object = std::move(named);
}

void make_printable(Json& value) {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (!is_plain(text)) text = printable_lines(text, most_of_one_text);
    } else if (value.is_array()) {
        for (Json& entry : value) make_printable(entry);
    } else if (value.is_object()) {
        bool plain_names = true;
        for (auto& [name, entry] : value.get_ref<Json::object_t&>()) {
            make_printable(entry);
            plain_names &= is_plain(name);
        }
        if (!plain_names) make_names_printable(value);
    }
}

Json cut_to(int digits, double value) {
    constexpr double most = 1e15;  // below it a whole number is one of ours, written without a point
    if (value == std::floor(value) && std::abs(value) < most) return static_cast<std::int64_t>(value);
    const double scale = std::pow(10.0, digits - 1 - std::floor(std::log10(std::abs(value))));
    return std::isfinite(scale) && scale > 0 ? std::round(value * scale) / scale : value;
}

}  // namespace

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(not_finite_name(value)); }

Json short_number(double value) { return std::isfinite(value) ? cut_to(9, value) : number(value); }

Json rounded(const std::vector<double>& values) {
    Json list = Json::array();
    for (const double value : values) list.push_back(std::isfinite(value) ? cut_to(6, value) : Json());
    return list;
}

std::string json_text(Json value) {
    make_printable(value);
    const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string out;
    out.reserve(text.size());
    std::size_t begin = 0;
    for (std::size_t at = 0; (at = text.find('<', begin)) != text.npos; begin = at + 1)
        out.append(text, begin, at - begin).append("\\u003c");
    return out.append(text, begin);
}

}  // namespace marginalia::page
