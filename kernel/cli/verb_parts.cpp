#include "kernel/cli/verb_parts.h"

#include <fmt/format.h>

#include <charconv>

namespace marginalia {

CLI::App* add_verb(CLI::App& app, Request& request, const std::string& name, const std::string& about,
                   std::function<int(Request&, std::ostream&)> verb) {
    CLI::App* sub = app.add_subcommand(name, about);
    sub->fallthrough();
    sub->callback([&request, verb = std::move(verb)] {
        request.verb = [&request, verb](std::ostream& out) { return verb(request, out); };
    });
    return sub;
}

std::function<std::string(const std::string&)> whole_number(std::int64_t least) {
    return [least](const std::string& text) {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && stop == end && value >= least) return std::string();
        return fmt::format("'{}' is no whole number of {} or more", text, least);
    };
}

std::string names_a_trial(const std::string& text) {
    if (text != "best:" && !text.starts_with("best::")) return {};
    return fmt::format("'{}' names no metric; write best:METRIC, as best:kl", text);
}

}  // namespace marginalia
