// Where on a command line the last word stands: for completion, which must understand lines that are not complete.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace marginalia {

struct CommandPlace {
    const CLI::App* verb = nullptr;       // the deepest one typed so far
    const CLI::Option* option = nullptr;  // what the last word is a value of: an option, or words by their place
    std::string fixed = {}, word = {};    // the last word: what stays of it, as "--format=", and what may become longer
    std::vector<std::string> positionals = {};  // words of the verb that are no options, before the last
    std::vector<std::pair<const CLI::Option*, std::string>> values = {};  // of options, before the last word
};

// `words`: after the program's name, one at least.
CommandPlace command_place(const CLI::App& app, std::span<const std::string> words);

// "format" of --format, "experiment" of the word called so.
std::string name_of(const CLI::Option& option);

// Whether words by their place are its values, and whether it takes any.
bool takes_words(const CLI::Option& option);
bool takes_value(const CLI::Option& option);

}  // namespace marginalia
