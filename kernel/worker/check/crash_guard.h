// Turns a crash, a hang or an unasked-for end of this process into a sentence.
#pragma once

#include <memory>
#include <string>

namespace marginalia {

// From now on a fatal signal, `seconds` without another call, or the end of the process by exit() or quick_exit()
// prints "FAILED  NAME  the plugin crashed (...)" on stdout and ends the process with code 1. _exit() goes unseen. For
// programs that do nothing but check one plugin.
void guard_check(const std::string& name, unsigned seconds);

// Leaves the check that runs at most `seconds` more. Does nothing where nothing is guarded.
void shorten_guard(unsigned seconds);

// From now on the process may end, until guard_check() is called again.
void end_guard();

// A signal stack for the thread that makes it, as long as it lives: with it, a stack that has run out is reported too.
// The thread that first calls guard_check() has one.
class SignalStack {
public:
    SignalStack();
    ~SignalStack();
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;

private:
    std::unique_ptr<char[]> bytes_;
};

}  // namespace marginalia
