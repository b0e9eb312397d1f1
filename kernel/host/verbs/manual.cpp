#include "kernel/host/verbs/manual.h"

#include <cctype>

#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/command_place.h"

namespace marginalia {
namespace {

constexpr const char* files_and_environment = R"(.SH ENVIRONMENT
.TP
.B MARGINALIA_STORE
the results store where \fB\-\-store\fR names none
.TP
.B MARGINALIA_PLUGIN_PATH
folders of plugins, divided by ':', searched after \fB\-\-plugin\-path\fR and the experiment file's own
.TP
.B MARGINALIA_TORCH
the folder of LibTorch, where it is not that of the active Python environment
.TP
.B MARGINALIA_DATA
where data sets are kept
.TP
.B MARGINALIA_WORKER
another worker program than the one beside this program
.TP
.B NO_COLOR
where it is set, nothing is coloured, and no terminal is shown pictures unless \fB\-\-pictures always\fR asks for them
.SH FILES
.TP
.I marginalia.db
the results store, one SQLite file with documented views
.TP
.I $XDG_CACHE_HOME/marginalia
data sets, and what is known of plugin files
.SH SEE ALSO
.BR sqlite3 (1)
.PP
Experiment files, the store's views, metrics and plugins have pages of their own in share/doc/marginalia/docs.
)";

// Text for roff: nothing in it is a request or an escape.
std::string roff(const std::string& text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        line_begins = c == '\n';
        if (c == '\\') out += "\\e";
        else if (c == '-') out += "\\-";
        else out += c;
    }
    return out;
}

// Lines stay lines: lists and examples are laid out by hand.
std::string as_it_is(const std::string& text) { return ".nf\n" + roff(text) + "\n.fi\n"; }

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string capitals(std::string text) {
    for (char& c : text) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

// "FILE [OVERRIDES...]"
std::string words_of(const CLI::App& verb) {
    std::string text;
    for (const CLI::Option* option : verb.get_options()) {
        if (!takes_words(*option)) continue;
        std::string word = italic(capitals(option->get_name(true))) + (option->get_expected_max() > 1 ? "..." : "");
        text += " " + (option->get_required() ? word : "[" + word + "]");
    }
    return text;
}

// "-m, --metric METRIC"
std::string spelling_of(const CLI::Option& option) {
    std::string text;
    const auto add = [&](const std::string& name) { text += (text.empty() ? "" : ", ") + bold(name); };
    for (const std::string& name : option.get_snames()) add("-" + name);
    for (const std::string& name : option.get_lnames()) add("--" + name);
    return takes_value(option) ? text + " " + italic(capitals(name_of(option))) : text;
}

void print_option(const std::string& spelling, const CLI::Option& option, std::ostream& out) {
    out << ".TP\n" << spelling << "\n" << roff(option.get_description()) << "\n";
}

void print_options(const CLI::App& app, std::ostream& out) {
    for (const CLI::Option* option : app.get_options())
        if (takes_words(*option)) print_option(italic(capitals(option->get_name(true))), *option, out);
    for (const CLI::Option* option : app.get_options())
        if ((!option->get_lnames().empty() || !option->get_snames().empty()) && option != app.get_help_ptr())
            print_option(spelling_of(*option), *option, out);
}

void print_verb(const CLI::App& verb, const std::string& path, std::ostream& out) {
    const std::vector<const CLI::App*> parts = verb.get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* part : parts) print_verb(*part, path + " " + part->get_name(), out);
    if (!parts.empty()) return;
    out << ".TP\n"
        << bold("marginalia " + path) << words_of(verb) << "\n"
        << roff(verb.get_description()) << ".\n.RS\n";
    print_options(verb, out);
    if (!verb.get_footer().empty()) out << ".PP\n" << as_it_is(verb.get_footer());
    out << ".RE\n";
}

}  // namespace

void print_manual(const CLI::App& app, std::ostream& out) {
    out << ".TH MARGINALIA 1 \"\" \"marginalia " MARGINALIA_VERSION "\" \"User commands\"\n"
        << ".SH NAME\nmarginalia \\- experiments with generative marginalization models\n"
        << ".SH SYNOPSIS\n"
        << bold("marginalia") << " [" << italic("OPTION") << "...] " << italic("VERB") << " [" << italic("WORD")
        << "...]\n.br\n"
        << bold("marginalia") << " " << italic("VERB") << " " << bold("--help") << "\n.SH DESCRIPTION\n"
        << as_it_is(app.get_description()) << ".SH OPTIONS\nOf every verb:\n";
    print_options(app, out);
    std::string group;
    out << ".SH VERBS\n";
    for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (verb->get_group() != group) out << ".SS " << roff(group = verb->get_group()) << "\n";
        print_verb(*verb, verb->get_name(), out);
    }
    out << ".SH EXIT STATUS\n";
    for (const auto& [code, meaning] : exit_codes)
        out << ".TP\n" << bold(std::to_string(code)) << "\n" << roff(meaning) << "\n";
    out << files_and_environment;
}

}  // namespace marginalia
