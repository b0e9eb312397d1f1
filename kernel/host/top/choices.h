// What a person has chosen to see, and what each key changes about it. Knows no terminal and no store.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "store/overview.h"

namespace marginalia::top {

struct Key {
    enum class Kind { none, text, up, down, page_up, page_down, home, end, enter, escape, backspace };
    Kind kind = Kind::none;
    std::string text = {};  // one character of UTF-8
};

enum class Page { table, trial, log, help };

// What the keys now answer, if anything: a filter that is being typed, whether to cancel.
enum class Asking { nothing, filter, cancel };

struct Choices {
    Page page = Page::table;
    Page before_help = Page::table;
    store::LiveOrder order;
    bool own_metric = false;  // the metric was asked for, so that no more telling one replaces it
    std::string filter;
    store::TrialId chosen = 0;        // 0: whichever comes first
    std::size_t at = 0;               // the chosen one's place among all, where it is looked for once it is gone
    std::size_t first = 0;            // the place of the first line on the screen
    std::string curve;                // the metric of the trial page; empty: the most telling
    std::optional<bool> logarithmic;  // of its plot; nullopt: as the values want it
    std::size_t back = 0;             // lines of the log after those that are shown
    Asking asking = Asking::nothing;
    std::string typed;    // the filter before it was typed
    std::string message;  // in the last line, until the next key
};

// What was on the screen when a key was pressed.
struct Shown {
    std::vector<store::TrialId> order;  // all trials, or those that fit the filter
    std::size_t lines = 1;              // of a page
    std::vector<std::string> metrics;   // to go through, in the table or for the trial
    bool logarithmic = false;           // the plot is
};

enum class Action { nothing, quit, cancel, pause, retry };

// Changes the choices. An action is about `choices.chosen`, which is then a trial that was shown.
Action press(Choices& choices, const Key& key, const Shown& shown);

// Where the chosen trial is now: it stays chosen while it moves, and the line is kept on the screen; if it is gone, the
// one in its place is chosen.
void settle(Choices& choices, const std::vector<store::TrialId>& order, std::size_t lines);

}  // namespace marginalia::top
