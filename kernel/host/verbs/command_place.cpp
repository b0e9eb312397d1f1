#include "kernel/host/verbs/command_place.h"

namespace marginalia {
namespace {

const CLI::Option* find_option(const CLI::App& app, const CLI::App& verb, const std::string& name) {
    for (const CLI::App* from : {&verb, &app})
        if (const CLI::Option* option = from->get_option_no_throw(name)) return option;
    return nullptr;
}

const CLI::App* find_verb(const CLI::App& verb, const std::string& name) {
    for (const CLI::App* sub : verb.get_subcommands([](const CLI::App*) { return true; }))
        if (sub->get_name() == name) return sub;
    return nullptr;
}

// The last one where it takes any number of words.
const CLI::Option* words_at(const CLI::App& verb, std::size_t place) {
    const CLI::Option* last = nullptr;
    for (const CLI::Option* option : verb.get_options()) {
        if (!takes_words(*option)) continue;
        last = option;
        if (place == 0) return option;
        if (option->get_expected_max() > 1) return option;
        --place;
    }
    return last && last->get_expected_max() > 1 ? last : nullptr;
}

}  // namespace

std::string name_of(const CLI::Option& option) {
    if (!option.get_lnames().empty()) return option.get_lnames().front();
    return option.get_positional() ? option.get_name(true) : option.get_snames().front();
}

bool takes_words(const CLI::Option& option) { return option.get_positional(); }
bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

CommandPlace command_place(const CLI::App& app, std::span<const std::string> words) {
    CommandPlace place{.verb = &app, .word = words.back()};
    const CLI::Option* pending = nullptr;
    for (const std::string& word : words.first(words.size() - 1)) {
        if (pending) {
            place.values.emplace_back(pending, word);
            pending = nullptr;
        } else if (word.starts_with('-')) {
            const std::size_t equals = word.find('=');
            const CLI::Option* option = find_option(app, *place.verb, word.substr(0, equals));
            if (!option || !takes_value(*option)) continue;
            if (equals == word.npos) pending = option;
            else place.values.emplace_back(option, word.substr(equals + 1));
        } else if (const CLI::App* sub = find_verb(*place.verb, word)) {
            place.verb = sub;
        } else {
            place.positionals.push_back(word);
        }
    }
    if (pending) {
        place.option = pending;
    } else if (const std::size_t equals = place.word.find('=');
               place.word.starts_with("--") && equals != place.word.npos) {
        place.option = find_option(app, *place.verb, place.word.substr(0, equals));
        place.fixed = place.word.substr(0, equals + 1);
        place.word.erase(0, equals + 1);
    } else if (!place.word.starts_with('-')) {
        place.option = words_at(*place.verb, place.positionals.size());
    }
    return place;
}

}  // namespace marginalia
