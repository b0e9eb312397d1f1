#include "kernel/worker/check/crash_guard.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace marginalia {
namespace {

// Signal handlers may touch little more than plain memory.
char current_check[200];
std::atomic_flag telling;
volatile std::sig_atomic_t guarding = 0;
constexpr std::size_t stack_size = 1 << 16;
alignas(16) char handler_stack[stack_size];  // the plugin's own may be what has run out

void print(const char* text) {
    for (std::size_t left = std::strlen(text); left > 0;) {
        const ssize_t written = write(STDOUT_FILENO, text, left);
        if (written <= 0) return;
        text += written;
        left -= static_cast<std::size_t>(written);
    }
}

const char* what_happened(int signal) {
    switch (signal) {
        case SIGSEGV: return "the plugin crashed (segmentation fault)";
        case SIGBUS: return "the plugin crashed (bus error)";
        case SIGFPE: return "the plugin crashed (integer division by zero)";
        case SIGILL: return "the plugin crashed (illegal instruction)";
        case SIGALRM: return "the plugin did not come back in time";
        default: return "the plugin ended the process (abort)";
    }
}

// Threads may crash together: the first one tells.
[[noreturn]] void tell_and_exit(const char* happened) {
    while (telling.test_and_set()) pause();
    print("FAILED  ");
    print(current_check);
    print("  ");
    print(happened);
    print("\nthe checks after this one were not run\n");
    _exit(1);
}

void at_signal(int signal) { tell_and_exit(what_happened(signal)); }

void at_end() {
    if (guarding) tell_and_exit("the plugin ended the process (exit); throw marginalia::Error instead");
}

void use_signal_stack(char* bytes) {
    stack_t stack = {};
    stack.ss_sp = bytes;
    stack.ss_size = stack_size;
    sigaltstack(&stack, nullptr);
}

void install_handlers() {
    use_signal_stack(handler_stack);
    std::atexit(at_end);
    std::at_quick_exit(at_end);
    struct sigaction action = {};
    action.sa_handler = at_signal;
    action.sa_flags = SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) sigaction(signal, &action, nullptr);
}

}  // namespace

void guard_check(const std::string& name, unsigned seconds) {
    if (current_check[0] == '\0') install_handlers();
    std::strncpy(current_check, name.c_str(), sizeof current_check - 1);
    guarding = 1;
    alarm(seconds);
}

void shorten_guard(unsigned seconds) {
    if (guarding) alarm(std::min(seconds, alarm(0)));
}

void end_guard() {
    guarding = 0;
    alarm(0);
}

SignalStack::SignalStack() : bytes_(new char[stack_size]) { use_signal_stack(bytes_.get()); }

SignalStack::~SignalStack() {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
}

}  // namespace marginalia
