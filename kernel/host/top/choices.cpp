#include "kernel/host/top/choices.h"

#include <algorithm>

namespace marginalia::top {
namespace {

using store::TrialOrder;

constexpr std::size_t longest_filter = 200;
constexpr std::size_t very_end = 1 << 30;  // until it is known where that is

std::size_t moved(std::size_t at, const Key& key, std::size_t lines) {
    switch (key.kind) {
        case Key::Kind::up: return at - std::min<std::size_t>(at, 1);
        case Key::Kind::down: return std::min(at + 1, very_end);
        case Key::Kind::page_up: return at - std::min(at, lines);
        case Key::Kind::page_down: return std::min(at + lines, very_end);
        case Key::Kind::home: return 0;
        case Key::Kind::end: return very_end;
        default: return at;
    }
}

// The letters that move as the arrows do.
Key with_letters_as_arrows(const Key& key) {
    if (key.text == "k") return {Key::Kind::up};
    if (key.text == "j") return {Key::Kind::down};
    if (key.text == "g") return {Key::Kind::home};
    if (key.text == "G") return {Key::Kind::end};
    if (key.text == " ") return {Key::Kind::page_down};
    return key;
}

void choose(Choices& choices, const Shown& shown, std::size_t at) {
    if (shown.order.empty()) return;
    choices.at = std::min(at, shown.order.size() - 1);
    choices.chosen = choices.at == 0 ? 0 : shown.order[choices.at];
}

// The trial itself from here on, not whichever comes first. false: there is none.
bool fix_chosen(Choices& choices, const Shown& shown) {
    if (choices.chosen == 0 && !shown.order.empty()) choices.chosen = shown.order.front();
    return choices.chosen != 0;
}

void next_metric(std::string& metric, const std::vector<std::string>& metrics, bool backwards) {
    if (metrics.empty()) return;
    const auto found = std::ranges::find(metrics, metric);
    const auto count = metrics.size(), at = static_cast<std::size_t>(found - metrics.begin());
    if (found == metrics.end()) metric = metrics.front();
    else metric = metrics[(at + (backwards ? count - 1 : 1)) % count];
}

void open(Choices& choices, const Shown& shown, Page page) {
    if (!fix_chosen(choices, shown)) return;
    if (choices.page == Page::table) choices.curve.clear(), choices.logarithmic.reset();
    choices.page = page;
    choices.back = 0;
}

void start_filter(Choices& choices) {
    choices.asking = Asking::filter;
    choices.typed = choices.filter;
}

void type_filter(Choices& choices, const Key& key) {
    std::string& filter = choices.filter;
    if (key.kind == Key::Kind::text && filter.size() < longest_filter) filter += key.text;
    if (key.kind == Key::Kind::backspace && !filter.empty()) {
        while (filter.size() > 1 && (static_cast<unsigned char>(filter.back()) & 0xC0) == 0x80) filter.pop_back();
        filter.pop_back();
    }
    if (key.kind == Key::Kind::escape) filter = choices.typed;
    if (key.kind == Key::Kind::escape || key.kind == Key::Kind::enter) choices.asking = Asking::nothing;
    choices.chosen = 0, choices.at = 0;
}

Action answer_cancel(Choices& choices, const Key& key) {
    choices.asking = Asking::nothing;
    if (key.text == "y") return Action::cancel;
    choices.message = "nothing was cancelled";
    return Action::nothing;
}

Action press_in_table(Choices& choices, const Key& key, const Shown& shown) {
    store::LiveOrder& order = choices.order;
    if (key.kind == Key::Kind::enter) open(choices, shown, Page::trial);
    else if (key.kind == Key::Kind::escape) choices.filter.clear();
    else if (key.text == "/") start_filter(choices);
    else if (key.text == "S") order.reversed = !order.reversed;
    else if (key.text == "s") {
        const auto next = static_cast<int>(order.order) + 1;
        order.order =
            next > static_cast<int>(TrialOrder::seconds) ? TrialOrder::activity : static_cast<TrialOrder>(next);
        order.reversed = false;
    } else if (key.text == "m" || key.text == "M") {
        next_metric(order.metric.name, shown.metrics, key.text == "M");
        choices.own_metric = true;
    } else choose(choices, shown, moved(choices.at, with_letters_as_arrows(key), shown.lines));
    return Action::nothing;
}

void press_in_trial(Choices& choices, const Key& key, const Shown& shown) {
    const Key arrow = with_letters_as_arrows(key);
    if (key.kind == Key::Kind::escape || key.kind == Key::Kind::enter) choices.page = Page::table;
    else if (key.text == "m" || key.text == "M") {
        next_metric(choices.curve, shown.metrics, key.text == "M");
        choices.logarithmic.reset();
    } else if (key.text == "y") choices.logarithmic = !shown.logarithmic;
    else if (arrow.kind == Key::Kind::up || arrow.kind == Key::Kind::down) {
        choose(choices, shown, moved(choices.at, arrow, 1));
        fix_chosen(choices, shown);
        choices.logarithmic.reset();
    }
}

void press_in_log(Choices& choices, const Key& key, const Shown& shown) {
    if (key.kind == Key::Kind::escape || key.text == "l") choices.page = Page::trial;
    if (key.kind == Key::Kind::enter) choices.page = Page::trial;
    Key arrow = with_letters_as_arrows(key);
    using Kind = Key::Kind;  // back is up
    constexpr std::pair<Kind, Kind> opposites[] = {{Kind::up, Kind::down},           {Kind::down, Kind::up},
                                                   {Kind::page_up, Kind::page_down}, {Kind::page_down, Kind::page_up},
                                                   {Kind::home, Kind::end},          {Kind::end, Kind::home}};
    const auto opposite = std::ranges::find(opposites, arrow.kind, &std::pair<Kind, Kind>::first);
    if (opposite != std::end(opposites)) choices.back = moved(choices.back, {opposite->second}, shown.lines);
}

}  // namespace

Action press(Choices& choices, const Key& key, const Shown& shown) {
    choices.message.clear();
    if (choices.asking == Asking::filter) return type_filter(choices, key), Action::nothing;
    if (choices.asking == Asking::cancel) return answer_cancel(choices, key);
    if (key.text == "q") return Action::quit;
    if (choices.page == Page::help) return choices.page = choices.before_help, Action::nothing;
    if (key.text == "?") {
        choices.before_help = choices.page;
        choices.page = Page::help;
    } else if (key.text == "c" && fix_chosen(choices, shown)) {
        choices.asking = Asking::cancel;
    } else if (key.text == "p" || key.text == "r") {
        if (fix_chosen(choices, shown)) return key.text == "p" ? Action::pause : Action::retry;
    } else if (key.text == "l" && choices.page != Page::log) {
        open(choices, shown, Page::log);
    } else if (choices.page == Page::table) {
        return press_in_table(choices, key, shown);
    } else if (choices.page == Page::trial) {
        press_in_trial(choices, key, shown);
    } else {
        press_in_log(choices, key, shown);
    }
    return Action::nothing;
}

void settle(Choices& choices, const std::vector<store::TrialId>& order, std::size_t lines) {
    const auto found = std::ranges::find(order, choices.chosen);
    if (choices.chosen == 0) choices.at = 0;
    else if (found != order.end()) choices.at = static_cast<std::size_t>(found - order.begin());
    else if (choices.page == Page::table && choices.asking == Asking::nothing) {
        choices.at = std::min(choices.at, order.size() - std::min<std::size_t>(order.size(), 1));
        choices.chosen = choices.at == 0 ? 0 : order[choices.at];
    }
    const std::size_t last = order.size() - std::min(order.size(), lines);  // the first line of the last page
    choices.first = std::min({choices.first, choices.at, last});
    if (choices.at >= choices.first + lines) choices.first = choices.at - lines + 1;
}

}  // namespace marginalia::top
