// What the files that add verbs to the command line share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <string>

#include "kernel/host/verbs/verb_options.h"

namespace marginalia {

inline constexpr const char* a_trial = "TRIAL: number, prefix of its config hash, last, or best:METRIC";

// A verb that, once parsed, is what `request.verb` does.
CLI::App* add_verb(CLI::App& app, Request& request, const std::string& name, const std::string& about,
                   std::function<int(Request&, std::ostream&)> verb);

// The same for a verb that reads the store. What it holds may be of another's making, or damaged: whatever a reader
// then finds missing, or of a type that it should not have, is said of the store.
CLI::App* add_store_verb(CLI::App& app, Request& request, const std::string& name, const std::string& about,
                         std::function<int(Request&, std::ostream&)> verb);

// Checks of an option's text, with the sentence that says what is wrong; they run before a number is read, as the
// parser's own words are about conversion.
std::function<std::string(const std::string&)> whole_number(
    std::int64_t least, std::int64_t most = std::numeric_limits<std::int64_t>::max());
std::string names_a_trial(const std::string& text);

// An option that takes names divided by commas, blanks around them. The parser's own lists leave out empty names: of
// "kl," one may have been meant that is not there, so it is refused.
void add_names(CLI::App* verb, const std::string& option, std::vector<std::string>& names, const std::string& about);

}  // namespace marginalia
