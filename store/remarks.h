// What people say of trials: tags, which are words to find them by, and notes, which are sentences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

inline constexpr std::size_t most_tag_bytes = 64, most_tags = 100;       // of a trial
inline constexpr std::size_t most_note_bytes = 4000, most_notes = 1000;  // of a trial

struct Note {
    double created = 0;  // seconds since the epoch
    std::string text;
};

// Whether a tag is to be had of a trial from now on; nothing happens where it is so already. Returns whether something
// did. Throws Kind::no_match where there is no such trial, or it has most_tags already.
bool set_tag(Store& store, TrialId trial, std::string_view tag, bool wanted);

// Throws Kind::no_match as set_tag does.
void add_note(Store& store, TrialId trial, std::string_view text);
std::vector<Note> notes_of(Store& store, TrialId trial);  // oldest first

}  // namespace marginalia::store
