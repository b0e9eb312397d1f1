// What the files of verbs share. Each has one verb: its options, its help and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/host/results/table.h"

namespace marginalia {

// What every verb is given.
struct Common {
    std::filesystem::path store;                // --store, else MARGINALIA_STORE, else marginalia.db
    std::vector<std::filesystem::path> stores;  // all that --store gave, `store` the first
    std::string store_from;                     // what named it: --store, MARGINALIA_STORE; empty: nothing
    std::vector<std::string> plugin_paths;      // --plugin-path
    bool trust = false;                         // --trust: run code wherever the store names it
    Format format = Format::text;
    std::vector<std::string> words;  // the command line as typed
};

// A command line that is being parsed.
struct CommandLine {
    Common common;
    std::string format = "text";               // --format as typed
    std::function<int(std::ostream&)> action;  // of the verb that was typed; run after parsing is over
    std::set<const CLI::App*> take_stores;     // verbs that read several stores at once
};

// A verb without options of its own. `action` prints data to the stream and words to stderr and returns the exit code;
// it throws Error for wrong requests and store::StoreError for what the store cannot give.
CLI::App* add_verb(CLI::App& app, CommandLine& line, const std::string& name, const std::string& about,
                   std::function<int(const Common&, std::ostream&)> action);

// For a verb that reads the store. What it holds may be of another's making, or damaged: whatever a reader then finds
// missing, or of a type that it should not have, is said of the store.
int read_store(const Common& common, const std::function<int()>& action);

// A verb and its options, which live as long as `app`.
template <class Options>
std::pair<CLI::App*, Options&> add_verb(CLI::App& app, CommandLine& line, const std::string& name,
                                        const std::string& about,
                                        int (*action)(const Common&, const Options&, std::ostream&)) {
    const auto options = std::make_shared<Options>();
    CLI::App* verb = add_verb(app, line, name, about, [options, action](const Common& common, std::ostream& out) {
        return action(common, *options, out);
    });
    return {verb, *options};
}

// The same for one that reads the store.
template <class Options>
std::pair<CLI::App*, Options&> add_store_verb(CLI::App& app, CommandLine& line, const std::string& name,
                                              const std::string& about,
                                              int (*action)(const Common&, const Options&, std::ostream&)) {
    const auto options = std::make_shared<Options>();
    CLI::App* verb = add_verb(app, line, name, about, [options, action](const Common& common, std::ostream& out) {
        return read_store(common, [&] { return action(common, *options, out); });
    });
    return {verb, *options};
}

inline constexpr const char* a_trial =
    "TRIAL: number, prefix of its config hash, last, best:METRIC or best:METRIC@EXPERIMENT";

// The experiment that a verb is about, as an argument or by -e.
CLI::Option* add_experiment(CLI::App* verb, std::string& experiment,
                            const std::string& about = "its name; the newest if left out");

// The option --format of a verb that prints tables or objects.
void add_format(CLI::App* verb, CommandLine& line, const std::string& formats);

// Checks of an option's text, with the sentence that says what is wrong; they run before a number is read, as the
// parser's own words are about conversion.
std::function<std::string(const std::string&)> whole_number(
    std::int64_t least, std::int64_t most = std::numeric_limits<std::int64_t>::max());
std::string names_a_trial(const std::string& text);

// The option --where, a condition on trials (kernel/host/results/where.h).
CLI::Option* add_where(CLI::App* verb, std::string& condition);

// An option that takes names divided by commas, blanks around them. The parser's own lists leave out empty names: of
// "kl," one may have been meant that is not there, so it is refused.
void add_names(CLI::App* verb, const std::string& option, std::vector<std::string>& names, const std::string& about);

}  // namespace marginalia
