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

void make_printable(Json& value) {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (!is_plain(text)) text = printable_lines(text, most_of_one_text);
    } else if (value.is_array()) {
        for (Json& entry : value) make_printable(entry);
    } else if (value.is_object()) {
        Json named = Json::object();
        for (auto& [name, entry] : value.items()) {
            make_printable(entry);
            named[is_plain(name) ? name : printable_lines(name)] = std::move(entry);
        }
        value = std::move(named);
    }
}

Json six_digits(double value) {
    constexpr double most = 1e15;  // below it a whole number is one of ours, written without a point
    if (value == std::floor(value) && std::abs(value) < most) return static_cast<std::int64_t>(value);
    const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
    return std::isfinite(scale) && scale > 0 ? std::round(value * scale) / scale : value;
}

}  // namespace

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(not_finite_name(value)); }

Json rounded(const std::vector<double>& values) {
    Json list = Json::array();
    for (const double value : values) list.push_back(std::isfinite(value) ? six_digits(value) : Json());
    return list;
}

std::string json_text(Json value) {
    make_printable(value);
    std::string out;
    for (const char c : value.dump(-1, ' ', false, Json::error_handler_t::replace)) {
        if (c == '<') out += "\\u003c";
        else out += c;
    }
    return out;
}

}  // namespace marginalia::page
