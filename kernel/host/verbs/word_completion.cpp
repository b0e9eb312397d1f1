#include "kernel/host/verbs/word_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "kernel/base/printable.h"
#include "kernel/host/data/data_sets.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/command_place.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/known_keys.h"
#include "kernel/spec/nearest.h"
#include "store/queries.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_trials = 50;
constexpr int most_files = 1000;
constexpr std::size_t most_about = 80;  // columns

// What any shell takes as it is. Names in a store may be another's, who would like them to be run.
bool is_plain(const std::string& word) {
    return std::ranges::all_of(word, [](unsigned char c) {
        return std::isalnum(c) || c >= 0x80 ||
               std::string_view("_./=:,~+@%-").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

class Completer {
public:
    Completer(const CLI::App& app, Common common, std::span<const std::string> words, std::ostream& out)
        : app_(app), common_(std::move(common)), place_(command_place(app, words)), out_(out) {
        for (const auto& [option, value] : place_.values) {
            if (name_of(*option) == "store") common_.store = value;
            if (name_of(*option) == "plugin-path") common_.plugin_paths.push_back(value);
        }
    }

    void print() {
        const auto verbs = place_.verb->get_subcommands([](const CLI::App*) { return true; });
        if (place_.option) return print_values(*place_.option);
        if (place_.word.starts_with('-')) return print_options();
        if (!place_.positionals.empty()) return;
        for (const CLI::App* verb : verbs) add(verb->get_name(), verb->get_description());
    }

private:
    // Where it begins as what was typed does.
    void add(const std::string& word, const std::string& about = "") {
        if (!word.starts_with(place_.word) || !is_plain(word)) return;
        out_ << place_.fixed << word;
        if (!about.empty()) out_ << '\t' << shorten(printable(about), most_about);
        out_ << '\n';
    }

    void print_options() {
        for (const CLI::App* from : {place_.verb, &app_}) {
            for (const CLI::Option* option : from->get_options())
                for (const std::string& name : option->get_lnames())
                    if (from == place_.verb || name != "help") add("--" + name, option->get_description());
            if (place_.verb == &app_) return;
        }
    }

    // By what the options of all verbs are called, and by what their help says that they take.
    void print_values(const CLI::Option& option) {
        const std::string name = name_of(option), &about = option.get_description(), &verb = place_.verb->get_name();
        const auto says = [&](std::string_view words) { return about.find(words) != about.npos; };
        const bool list =
            name == "status" || name == "rows" || name == "columns" || (name == "metric" && !takes_words(option));
        if (list) keep_up_to(place_.word.rfind(','));
        if (name == "format" || name == "kind" || name == "shell" || (name == "what" && !says(a_trial)))
            add_words(about);
        if (name == "status")
            for (const store::StatusFacts& status : store::statuses) add(std::string(status.name));
        if (name == "rows" || name == "columns") add_keys("", "");
        if (name == "experiment") add_experiments();
        if (name == "metric") add_metrics("");
        if (says(a_trial) || name == "second") add_trials();
        if (says("key=value")) add_overrides();
        if (says("KIND/NAME")) add_plugins();
        if (says("experiment file") || says(".toml file")) add_files(".toml");
        else if (says("file ") || says("folder") || says("store")) add_files("");
        if (verb == "get" && takes_words(option))
            for (const data::DataSet& set : data::data_sets()) add(set.name);
    }

    // "text, csv, json or markdown"
    void add_words(std::string text) {
        text.erase(0, text.find(": ") == text.npos ? 0 : text.find(": ") + 2);
        for (std::size_t open; (open = text.find(" (")) != text.npos && text.find(')', open) != text.npos;)
            text.erase(open, text.find(')', open) + 1 - open);
        if (const std::size_t last = text.rfind(" or "); last != text.npos) text.replace(last, 4, ", ");
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find(", ", begin), text.size());
            const std::string word = text.substr(begin, end - begin);
            if (word.find(' ') == word.npos) add(word);
            begin = end + 2;
        }
    }

    void add_experiments() {
        store::Store store = store::Store::open_to_read(common_.store);
        for (const std::string& name : store::experiment_names(store)) add(name);
    }

    void add_metrics(const std::string& before) {
        store::Store store = store::Store::open_to_read(common_.store);
        for (const std::string& name : store::metric_names(store)) add(before + name);
    }

    void add_trials() {
        store::Store store = store::Store::open_to_read(common_.store);
        std::vector<store::Trial> trials = store::list_trials(store, {.limit = most_trials});
        std::ranges::reverse(trials);
        if (!trials.empty()) add("last", "the one that began last");
        for (const store::Trial& trial : trials)
            add(std::to_string(trial.id),
                fmt::format("{}, seed {}, {}", trial.experiment, trial.seed, store::name_of(trial.status)));
        if (place_.word.starts_with('b')) add_metrics("best:");
    }

    PluginCatalogue plugins(const fs::path& file) const {
        const auto own = file.empty() ? std::vector<std::string>() : plugin_folders_of(file, {});
        return remembered_catalogue(plugin_folders(common_.plugin_paths, own));
    }

    void add_plugins() {
        std::vector<std::string> kinds;
        for (const PluginManifest& plugin : plugins({}).plugins) {
            add(plugin.name, plugin.kind + ": " + plugin.summary);
            if (place_.word.find('/') != place_.word.npos) add(plugin.kind + "/" + plugin.name, plugin.summary);
            if (!contains(kinds, plugin.kind)) kinds.push_back(plugin.kind);
        }
        if (place_.word.find('/') == place_.word.npos)
            for (const std::string& kind : kinds) add(kind + "/");
    }

    // What the line's file can be told.
    fs::path named_file() const {
        const auto is_toml = [](const std::string& word) { return word.ends_with(".toml"); };
        const auto found = std::ranges::find_if(place_.positionals, is_toml);
        if (found == place_.positionals.end()) return {};
        return found->starts_with("~/") ? home() / found->substr(2) : fs::path(*found);
    }

    void add_keys(const fs::path& file, const std::string& behind) {
        for (const KnownKey& key : known_keys(file, plugins(file))) add(key.key + behind, key.spec.help);
    }

    void add_overrides() {
        const std::size_t equals = place_.word.find('=');
        if (equals == place_.word.npos) {
            const bool removes = place_.word.starts_with('~');
            if (removes || place_.word.starts_with('+')) keep_up_to(0);
            return add_keys(named_file(), removes ? "" : "=");
        }
        const fs::path file = named_file();
        const std::vector<KnownKey> keys = known_keys(file, plugins(file));
        const std::string name = place_.word.substr(0, equals);
        const auto key = std::ranges::find(keys, name.substr(name.starts_with('+') ? 1 : 0), &KnownKey::key);
        if (key == keys.end()) return;
        keep_up_to(std::max(equals, place_.word.rfind(',') == place_.word.npos ? 0 : place_.word.rfind(',')));
        const ParameterSpec& spec = key->spec;
        for (const std::string& choice : spec.choices) add(choice, choice == spec.fallback ? "default" : "");
        if (spec.type == ParameterType::boolean) add("true"), add("false");
        else if (names_file(spec.type)) add_files("");
        else if (spec.choices.empty() && !spec.required && !spec.fallback.empty()) add(spec.fallback, "default");
    }

    static fs::path home() {
        const char* folder = std::getenv("HOME");
        return folder ? folder : "";
    }

    // Files of that ending (empty: any), and folders.
    void add_files(const std::string& ending) {
        const std::size_t slash = place_.word.rfind('/');
        const std::string before = slash == place_.word.npos ? "" : place_.word.substr(0, slash + 1);
        const fs::path folder = before.empty()             ? "."
                                : before.starts_with("~/") ? home() / before.substr(2)
                                                           : fs::path(before);
        std::vector<std::string> words;
        std::error_code failure;
        int left = most_files;
        for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end && left-- > 0;
             entry.increment(failure)) {
            const std::string name = entry->path().filename().string();
            std::error_code none;
            const bool is_folder = entry->is_directory(none);
            if (name.starts_with('.') && !place_.word.substr(before.size()).starts_with('.')) continue;
            if (is_folder || name.ends_with(ending)) words.push_back(before + name + (is_folder ? "/" : ""));
        }
        std::ranges::sort(words);
        for (const std::string& word : words) add(word);
    }

    // What stands up to that character is not the word that is completed; npos: nothing is cut off.
    void keep_up_to(std::size_t end) {
        if (end == std::string::npos) return;
        place_.fixed += place_.word.substr(0, end + 1);
        place_.word.erase(0, end + 1);
    }

    const CLI::App& app_;
    Common common_;
    CommandPlace place_;
    std::ostream& out_;
};

}  // namespace

void print_completions(const CLI::App& app, Common common, std::span<const std::string> words, std::ostream& out) {
    try {
        if (!words.empty()) Completer(app, std::move(common), words, out).print();
    } catch (const std::exception&) {  // no store, a damaged one, a file that is no TOML: nothing is known to follow
    }
}

}  // namespace marginalia
