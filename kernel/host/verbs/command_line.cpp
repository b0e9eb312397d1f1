#include "kernel/host/verbs/command_line.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <iostream>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/manual.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/host/verbs/word_completion.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"

namespace marginalia {
namespace {

constexpr const char* introduction =
    "marginalia: experiments with generative marginalization models.\n"
    "TRIAL is a number, a prefix of a config hash, 'last', or 'best:METRIC'.";

// "Exit codes: 0 done; 2 wrong words, files or input; ..."
std::string exit_codes_text() {
    std::string text;
    for (const auto& [code, meaning] : exit_codes)
        text += fmt::format("{}{} {}", text.empty() ? "Exit codes: " : "; ", code, meaning);
    std::string lines = wrap(text + ".", 110);
    lines.pop_back();  // the parser ends a footer's line
    return lines;
}

// The verb the user is in: the deepest one parsed.
const CLI::App* current(const CLI::App& app) {
    const std::vector<CLI::App*> parsed = app.get_subcommands();
    return parsed.empty() ? &app : current(*parsed.back());
}

// "marginalia checkpoint export"
std::string path_of(const CLI::App& verb) {
    return verb.get_parent() == nullptr ? "marginalia" : path_of(*verb.get_parent()) + " " + verb.get_name();
}

std::vector<std::string> verbs_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(sub->get_name());
    return names;
}

std::vector<std::string> options_of(const CLI::App& app, const CLI::App& verb) {
    std::vector<std::string> names;
    for (const CLI::App* from : {&verb, &app})
        for (const CLI::Option* option : from->get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::string meant(const std::string& word, const std::vector<std::string>& known) {
    const std::string near = nearest(word, known);
    return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

std::string sentence_about(const std::string& word, const CLI::App& app) {
    const CLI::App& verb = *current(app);
    if (word.starts_with("-")) {
        const std::string name = word.substr(0, word.find('='));
        return fmt::format("unknown option '{}'{}", name, meant(name, options_of(app, verb)));
    }
    const std::vector<std::string> verbs = verbs_of(verb);
    if (!verbs.empty()) return fmt::format("unknown verb '{}'{}", word, meant(word, verbs));
    return fmt::format("'{}' is one argument too many", word);
}

int complain(const std::string& sentence, const CLI::App& app) {
    std::cerr << fmt::format("marginalia: {}{} `{} --help` lists what there is\n", printable(sentence),
                             sentence.back() == '?' ? "" : ";", path_of(*current(app)));
    return exit_usage;
}

std::string lower_first(std::string text) {
    if (text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) &&
        std::islower(static_cast<unsigned char>(text[1])))
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

bool is_older(const std::filesystem::path& store) {
    try {
        store::Store::open_to_read(store);
    } catch (const store::StoreError& error) {
        return error.kind() == store::StoreError::Kind::older;
    }
    return false;
}

// False where one of the older ones cannot be written.
bool brought_up_to_date(const std::vector<std::filesystem::path>& stores) {
    for (const std::filesystem::path& store : stores) {
        if (!is_older(store)) continue;
        try {
            bring_up_to_date(store);
        } catch (const store::StoreError&) {
            return false;
        }
        std::cerr << "store " << printable(store.string())
                  << " is of an older layout and has been brought up to date\n";
    }
    return true;
}

}  // namespace

int run_command_line(int argc, char** argv, std::ostream& out) {
    CommandLine line;
    line.common.words.assign(argv, argv + argc);
    const char* store = std::getenv("MARGINALIA_STORE");
    line.common.store = store && *store ? store : "marginalia.db";
    line.common.store_from = store && *store ? "MARGINALIA_STORE" : "";
    CLI::App app(introduction, "marginalia");
    app.require_subcommand(1);
    app.add_option("--store", line.common.stores,
                   "results store (else MARGINALIA_STORE, else marginalia.db); list, best, table, compare, query and "
                   "export read several, each with a --store of its own")
        ->allow_extra_args(false);
    app.add_option("--plugin-path", line.common.plugin_paths, "folder of plugins, searched first; may be repeated")
        ->expected(1);
    app.add_flag("--trust", line.common.trust,
                 "run the code that a store of others names: plugin folders, TorchScript files");
    app.set_version_flag("--version", std::string("marginalia ") + MARGINALIA_VERSION);
    for (const VerbGroup& group : verb_groups)
        for (AddVerb* add : group.verbs) {
            add(app, line);
            app.get_subcommands([](const CLI::App*) { return true; }).back()->group(group.title);
        }
    app.footer(exit_codes_text());  // after the verbs, which would take it over
    const std::string first = argc > 1 ? argv[1] : "";
    if (first == manual_word) return print_manual(app, out), exit_ok;
    if (first == completing_word) {
        const std::vector<std::string> words(argv + 2, argv + argc);
        return print_completions(app, line.common, words, out), exit_ok;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        const std::vector<std::string> extras = app.remaining(true);
        if (!extras.empty() && !verbs_of(*current(app)).empty())
            return complain(sentence_about(extras.front(), app), app);
        out << app.help();
        return exit_ok;
    } catch (const CLI::CallForVersion& version) {
        out << version.what() << '\n';
        return exit_ok;
    } catch (const CLI::ParseError& error) {
        const std::vector<std::string> extras = app.remaining(true);
        if (!extras.empty()) return complain(sentence_about(extras.front(), app), app);
        if (argc < 2) {
            std::cerr << app.help();
            return exit_usage;
        }
        return complain(lower_first(error.what()), app);
    }
    if (line.common.stores.empty()) line.common.stores = {line.common.store};
    line.common.store = line.common.stores.front();
    if (line.common.stores.size() > 1 && !line.take_stores.contains(current(app)))
        return complain(fmt::format("'{}' takes one --store", current(app)->get_name()), app);
    line.common.format = format_named(line.format);
    if (app.get_option("--store")->count() > 0) line.common.store_from = "--store";
    try {
        return line.action(out);
    } catch (const store::StoreError& error) {
        if (error.kind() != store::StoreError::Kind::older || !brought_up_to_date(line.common.stores)) throw;
    }
    return line.action(out);  // a reader, which found an older store before it said anything
}

}  // namespace marginalia
