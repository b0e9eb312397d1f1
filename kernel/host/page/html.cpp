#include "kernel/host/page/html.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "kernel/base/digest.h"
#include "kernel/base/printable.h"
#include "kernel/host/page/assets.h"
#include "kernel/host/page/base64.h"

namespace marginalia::page {
namespace {

std::string digest_of(std::string_view source) { return "'sha256-" + base64(sha256_bytes(source)) + "'"; }

std::string policy(std::string_view connect) {
    return fmt::format(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; connect-src {}; base-uri 'none'; "
        "form-action 'none'",
        digest_of(chart_js()), digest_of(page_js()), digest_of(page_css()), connect);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            default: out += c;
        }
    }
    return out;
}

// The skeleton names its parts as {{style}}.
std::string filled(const std::map<std::string_view, std::string_view>& parts) {
    std::string out;
    std::string_view rest = page_html();
    for (std::size_t at = 0; (at = rest.find("{{")) != rest.npos;) {
        const std::size_t end = rest.find("}}", at);
        out.append(rest.substr(0, at)).append(parts.at(rest.substr(at + 2, end - at - 2)));
        rest.remove_prefix(end + 2);
    }
    return out.append(rest);
}

std::string document(const std::string& title, const std::string& policy, const std::string& embedded) {
    return filled({{"title", title},
                   {"policy", policy},
                   {"style", page_css()},
                   {"embedded", embedded},
                   {"chart", chart_js()},
                   {"script", page_js()}});
}

}  // namespace

std::string served_policy() { return policy("'self'") + "; frame-ancestors 'none'"; }

std::string served_page() { return document("marginalia", policy("'self'"), "null"); }

std::string page_with(const std::string& embedded, const std::string& title) {
    return document(escaped(title) + " · marginalia", policy("'none'"), embedded);
}

}  // namespace marginalia::page
