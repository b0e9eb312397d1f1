// `note`: sentences about a trial.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_note =
    R"(Without a text it prints the notes of the trial. show prints them too, and the report of its experiment.

Examples:
  marginalia note 3 "learning rate too high, see the spikes at step 200"
  marginalia note 3)";

struct NoteOptions {
    std::string trial;
    std::string text;  // empty: print
};

void check_note(const std::string& text) {
    const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; };
    if (text.size() > store::most_note_bytes)
        throw Error(fmt::format("a note has at most {} bytes, and this one {}", store::most_note_bytes, text.size()));
    if (std::ranges::any_of(text, is_control) || printable_lines(text) != text)
        throw Error("a note is plain UTF-8 text, and this one has control characters or bytes that are not UTF-8");
}

int print_notes(store::Store& store, store::TrialId trial, const Common& common, std::ostream& out) {
    Table table({{"written"}, {"note"}});
    for (const store::Note& note : store::notes_of(store, trial))
        table.add_row({Cell(time_text(note.created), note.created), note.text});
    if (common.format == Format::text && table.size() == 0) {
        out << fmt::format("trial {} has no notes\n", trial);
        return exit_no_match;
    }
    table.print(out, common.format, screen());
    return table.size() > 0 ? exit_ok : exit_no_match;
}

int note_verb(const Common& common, const NoteOptions& options, std::ostream& out) {
    if (options.text.empty()) {
        store::Store store = store::Store::open_to_read(common.store);
        return print_notes(store, find_trial(store, options.trial).id, common, out);
    }
    check_note(options.text);
    store::Store store = open_known_store(common.store);
    const store::TrialId trial = find_trial(store, options.trial).id;
    store::add_note(store, trial, options.text);
    out << fmt::format("noted of trial {}; show {} prints it\n", trial, trial);
    return exit_ok;
}

}  // namespace

void add_note(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "note", "Write down a sentence about a trial", note_verb);
    verb->footer(footer_of_note);
    verb->add_option("trial", options.trial, a_trial)->required()->check(names_a_trial);
    verb->add_option("text", options.text, "the note, in quotes; printed are those there are if left out");
    add_format(verb, line, "text, csv, json or markdown");
}

}  // namespace marginalia
