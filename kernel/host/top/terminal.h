// The terminal as a place for pictures and a source of keys, by ncurses, which terminal.cpp alone knows.
#pragma once

#include <chrono>

#include "kernel/host/top/choices.h"
#include "kernel/host/top/picture.h"

namespace marginalia::top {

// Takes the whole window while it lives, and leaves it as it was. One a process, in one thread, which has the signals
// that end or stop the process blocked.
class Terminal {
public:
    // Throws Error where standard input and output are not one that can be drawn upon.
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    Size size() const;
    void draw(const Picture& picture);

    // The next key. Kind::none: after this time, and at once when the window has another size, the other descriptor has
    // something to read, or the terminal is gone.
    Key read(std::chrono::milliseconds patience, int other_descriptor);
    bool is_gone() const { return gone_; }

    void leave();  // gives the window back until the next draw()

private:
    bool utf8_ = false, colours_ = false, gone_ = false;
};

}  // namespace marginalia::top
