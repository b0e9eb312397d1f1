#include "kernel/cli/verb_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "store/error.h"

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

CLI::App* add_store_verb(CLI::App& app, Request& request, const std::string& name, const std::string& about,
                         std::function<int(Request&, std::ostream&)> verb) {
    return add_verb(app, request, name, about, [verb = std::move(verb)](Request& r, std::ostream& out) {
        try {
            return verb(r, out);
        } catch (const nlohmann::json::exception&) {
            throw store::damaged_store(r.common.store, "a config or a record in it is not the JSON that it should be");
        } catch (const std::out_of_range&) {
            throw store::damaged_store(r.common.store, "its rows do not fit together");
        } catch (const std::bad_optional_access&) {
            throw store::damaged_store(r.common.store, "its rows do not fit together");
        }
    });
}

std::function<std::string(const std::string&)> whole_number(std::int64_t least, std::int64_t most) {
    return [least, most](const std::string& text) {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        // What reads the option afterwards would take 010 as octal.
        const bool zeros = text.size() > 1 && text[text.starts_with('-') ? 1 : 0] == '0';
        if (zeros && error == std::errc() && stop == end) return fmt::format("'{}' begins with a zero; write {}", text, value);
        if (error == std::errc() && stop == end && value >= least && value <= most) return std::string();
        if (most == std::numeric_limits<std::int64_t>::max()) return fmt::format("'{}' is no whole number of {} or more", text, least);
        return fmt::format("'{}' is no whole number from {} to {}", text, least, most);
    };
}

std::string names_a_trial(const std::string& text) {
    if (text != "best:" && !text.starts_with("best::")) return {};
    return fmt::format("'{}' names no metric; write best:METRIC, as best:kl", text);
}

}  // namespace marginalia
