#include "kernel/host/verbs/verb.h"

#include <fmt/format.h>
#include <marginalia/lists.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "kernel/host/results/best_trial.h"
#include "store/error.h"

namespace marginalia {

CLI::App* add_verb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& about,
                   std::function<int(const Common&, std::ostream&)> action) {
    CLI::App* verb = app.add_subcommand(name, about);
    verb->fallthrough();
    verb->callback([&line, action = std::move(action)] {
        line.action = [&line, action](std::ostream& out) { return action(line.common, out); };
    });
    return verb;
}

int read_store(const Common& common, const std::function<int()>& action) {
    try {
        return action();
    } catch (const nlohmann::json::exception&) {
        throw store::damaged_store(common.store, "a config or a record in it is not the JSON that it should be");
    } catch (const std::out_of_range&) {
        throw store::damaged_store(common.store, "its rows do not fit together");
    } catch (const std::bad_optional_access&) {
        throw store::damaged_store(common.store, "its rows do not fit together");
    }
}

CLI::Option* add_experiment(CLI::App* verb, std::string& experiment, const std::string& about) {
    return verb->add_option("-e,--experiment,experiment", experiment, about);
}

void add_format(CLI::App* verb, CommandLine& line, const std::string& formats) {
    verb->add_option("--format", line.format, formats);
}

std::function<std::string(const std::string&)> whole_number(std::int64_t least, std::int64_t most) {
    return [least, most](const std::string& text) {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        // What reads the option afterwards would take 010 as octal.
        const bool zeros = text.size() > 1 && text[text.starts_with('-') ? 1 : 0] == '0';
        if (zeros && error == std::errc() && stop == end)
            return fmt::format("'{}' begins with a zero; write {}", text, value);
        if (error == std::errc() && stop == end && value >= least && value <= most) return std::string();
        if (most == std::numeric_limits<std::int64_t>::max())
            return fmt::format("'{}' is not a whole number of {} or more", text, least);
        return fmt::format("'{}' is not a whole number from {} to {}", text, least, most);
    };
}

void add_names(CLI::App* verb, const std::string& option, std::vector<std::string>& names, const std::string& about) {
    const auto pieces_of = [](std::string_view word) {
        std::vector<std::string> pieces;
        for (std::size_t begin = 0; begin <= word.size();) {
            const std::size_t end = std::min(word.find(',', begin), word.size());
            pieces.emplace_back(trim_blanks(word.substr(begin, end - begin)));
            begin = end + 1;
        }
        return pieces;
    };
    const auto take = [&names, pieces_of](const std::vector<std::string>& words) {
        for (const std::string& word : words)
            for (std::string& piece : pieces_of(word)) names.push_back(std::move(piece));
    };
    verb->add_option_function<std::vector<std::string>>(option, take, about)
        ->check([pieces_of](const std::string& word) {
            for (const std::string& piece : pieces_of(word))
                if (piece.empty())
                    return fmt::format("'{}' is not a list of names; write one or more, separated by single commas",
                                       word);
            return std::string();
        });
}

CLI::Option* add_where(CLI::App* verb, std::string& condition) {
    return verb
        ->add_option("--where", condition,
                     "only trials that meet this: 'train.batch >= 64 and kl < 0.1 and tag = good'")
        ->check([](const std::string& text) {
            return text.find_first_not_of(' ') != text.npos ? "" : "the condition is empty; write one as 'kl < 0.1'";
        });
}

std::string names_a_trial(const std::string& text) {
    const std::optional<BestName> best = best_name(text);
    if (!best || (!best->metric.empty() && !text.ends_with('@'))) return {};
    return fmt::format("'{}' names no {}; write best:METRIC or best:METRIC@EXPERIMENT, as best:kl", text,
                       best->metric.empty() ? "metric" : "experiment");
}

}  // namespace marginalia
