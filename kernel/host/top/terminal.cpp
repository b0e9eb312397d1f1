#include "kernel/host/top/terminal.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <marginalia/error.h>
#include <poll.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <string_view>

#include "kernel/base/printable.h"
#include "kernel/base/terminal.h"

#define NCURSES_NOMACROS
#include <curses.h>

namespace marginalia::top {
namespace {

constexpr int escape_milliseconds = 25;  // within which the rest of a key's sequence comes

// What ncurses writes and takes for one column depends on the locale, which many containers name without having it.
bool use_utf8() {
    std::setlocale(LC_CTYPE, "");
    const auto is_utf8 = [] { return std::string_view(::nl_langinfo(CODESET)) == "UTF-8"; };
    if (!is_utf8() && locale_is_utf8()) std::setlocale(LC_CTYPE, "C.UTF-8");
    return is_utf8();
}

bool use_colours() {
    if (!screen().colour || !::has_colors() || ::start_color() == ERR || ::use_default_colors() == ERR) return false;
    constexpr short colours[] = {COLOR_GREEN, COLOR_RED, COLOR_YELLOW};  // of Tone::good, bad and warn
    for (short i = 0; i < 3; ++i) ::init_pair(static_cast<short>(i + 1), colours[i], -1);
    return true;
}

attr_t look_of(const Span& span, bool inverse, bool colours) {
    attr_t look = (inverse ? A_REVERSE : A_NORMAL) | (span.strong ? A_BOLD : A_NORMAL);
    if (span.tone == Tone::faint) look |= A_DIM;
    else if (span.tone != Tone::plain && colours && !inverse) look |= COLOR_PAIR(static_cast<int>(span.tone));
    return look;
}

Key key_of_code(wint_t code) {
    switch (code) {
        case KEY_UP: return {Key::Kind::up};
        case KEY_DOWN: return {Key::Kind::down};
        case KEY_PPAGE: return {Key::Kind::page_up};
        case KEY_NPAGE: return {Key::Kind::page_down};
        case KEY_HOME: return {Key::Kind::home};
        case KEY_END: return {Key::Kind::end};
        case KEY_ENTER: return {Key::Kind::enter};
        case KEY_BACKSPACE: return {Key::Kind::backspace};
        default: return {};
    }
}

Key key_of_character(wint_t character) {
    constexpr wint_t escape = 27, backspace = 8, rubout = 127;
    if (character == L'\n' || character == L'\r') return {Key::Kind::enter};
    if (character == escape) return {Key::Kind::escape};
    if (character == backspace || character == rubout) return {Key::Kind::backspace};
    std::mbstate_t state{};
    std::string bytes(MB_CUR_MAX, '\0');
    const std::size_t size = std::wcrtomb(bytes.data(), static_cast<wchar_t>(character), &state);
    if (character < L' ' || size > bytes.size()) return {};
    bytes.resize(size);
    return {Key::Kind::text, bytes};
}

}  // namespace

Terminal::Terminal() {
    if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO))
        throw Error("`top` needs a terminal, and this is not one; `marginalia list` prints the trials");
    utf8_ = use_utf8();
    const char* name = std::getenv("TERM");
    if (::newterm(nullptr, stdout, stdin) == nullptr || ::tigetstr("cup") == nullptr) {
        ::endwin();
        throw Error(
            fmt::format("`top` cannot draw on a terminal of the type '{}' (TERM); `marginalia list` prints "
                        "the trials",
                        name == nullptr ? "" : printable(name)));
    }
    ::set_escdelay(escape_milliseconds);
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(::stdscr, TRUE);
    ::nodelay(::stdscr, TRUE);
    ::curs_set(0);
    colours_ = use_colours();
}

Terminal::~Terminal() { ::endwin(); }

Size Terminal::size() const {
    return {static_cast<std::size_t>(::getmaxx(::stdscr)), static_cast<std::size_t>(::getmaxy(::stdscr))};
}

void Terminal::draw(const Picture& picture) {
    const Size size = this->size();
    ::erase();
    for (std::size_t y = 0; y < std::min(picture.size(), size.height); ++y) {
        const Line& line = picture[y];
        const int row = static_cast<int>(y);
        if (line.inverse) ::mvhline(row, 0, ' ' | A_REVERSE, static_cast<int>(size.width));
        for (const Span& span : line.spans) {
            if (span.column >= size.width) continue;
            const std::string text = shorten(span.text, size.width - span.column);
            ::attrset(static_cast<int>(look_of(span, line.inverse, colours_)));
            ::mvaddstr(row, static_cast<int>(span.column), (utf8_ ? text : to_ascii(text)).c_str());
        }
    }
    ::attrset(A_NORMAL);
    ::refresh();
}

Key Terminal::read(std::chrono::milliseconds patience, int other_descriptor) {
    wint_t code = 0;
    int kind = ::get_wch(&code);  // what has come already
    if (kind == ERR) {
        pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {other_descriptor, POLLIN, 0}};
        ::poll(watched, 2, static_cast<int>(patience.count()));
        gone_ = gone_ || (watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
        kind = ::get_wch(&code);
    }
    if (kind == ERR) return {};
    return kind == KEY_CODE_YES ? key_of_code(code) : key_of_character(code);
}

void Terminal::leave() { ::endwin(); }

}  // namespace marginalia::top
