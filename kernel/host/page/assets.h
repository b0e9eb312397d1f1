// Files embedded into the program at build time (see CMakeLists.txt).
#pragma once

#include <string_view>

extern "C" {
extern const char marginalia_chart_js[], marginalia_chart_js_end[];
extern const char marginalia_page_html[], marginalia_page_html_end[];
extern const char marginalia_page_css[], marginalia_page_css_end[];
extern const char marginalia_page_js[], marginalia_page_js_end[];
}

namespace marginalia::page {

inline std::string_view asset(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}
inline std::string_view chart_js() { return asset(marginalia_chart_js, marginalia_chart_js_end); }
inline std::string_view page_html() { return asset(marginalia_page_html, marginalia_page_html_end); }
inline std::string_view page_css() { return asset(marginalia_page_css, marginalia_page_css_end); }
inline std::string_view page_js() { return asset(marginalia_page_js, marginalia_page_js_end); }

}  // namespace marginalia::page
