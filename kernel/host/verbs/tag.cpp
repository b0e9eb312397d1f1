// `tag`: words by which trials are found again.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>

#include "kernel/base/printable.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_tag =
    R"(A tag is a word of letters, digits, '.', '_' and '-' that begins with a letter. list and show print the tags of
trials, and they are a column of the views trials and tags.

Examples:
  marginalia tag 3 5 good
  marginalia tag best:kl for-the-paper
  marginalia tag 3 good --remove)";

struct TagOptions {
    std::vector<std::string> words;  // trials, and the tag last
    bool remove = false;
};

bool is_letter(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80; }

void check_tag(const std::string& tag) {
    const auto fits = [](unsigned char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    if (!tag.empty() && tag.size() <= store::most_tag_bytes && is_letter(static_cast<unsigned char>(tag[0])) &&
        std::ranges::all_of(tag, fits) && printable(tag) == tag)
        return;
    throw Error(
        fmt::format("'{}' cannot be a tag: write letters, digits, '.', '_' and '-', a letter first, and at most {} "
                    "bytes; the tag comes last, after the trials",
                    printable(tag, 80), store::most_tag_bytes));
}

int tag_verb(const Common& common, const TagOptions& options, std::ostream& out) {
    const std::string& tag = options.words.back();
    if (options.words.size() < 2)
        throw Error(fmt::format("'{}' alone: name one or more trials and then the tag, as in: marginalia tag 3 5 good",
                                printable(tag)));
    check_tag(tag);
    store::Store store = open_known_store(common.store);
    const auto trials = find_trials(store, {options.words.begin(), options.words.end() - 1});
    std::vector<store::TrialId> changed;
    store.transaction([&] {
        for (const store::TrialId trial : trials)
            if (store::set_tag(store, trial, tag, !options.remove)) changed.push_back(trial);
    });
    if (changed.empty())
        out << fmt::format("nothing changed: {} {} '{}' already\n", trials_text(trials),
                           options.remove ? "did not have" : "had", tag);
    else out << fmt::format("{} '{}': {}\n", options.remove ? "no longer tagged" : "tagged", tag, trials_text(changed));
    return exit_ok;
}

}  // namespace

void add_tag(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_verb(app, line, "tag", "Give trials a word to find them by", tag_verb);
    verb->footer(footer_of_tag);
    verb->add_option("words", options.words,
                     "trials (numbers, prefixes of config hashes, last, best:METRIC), then the tag")
        ->required();
    verb->add_flag("--remove", options.remove, "take the tag away");
}

}  // namespace marginalia
