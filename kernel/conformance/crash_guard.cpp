#include "kernel/conformance/crash_guard.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace marginalia {
namespace {

// Signal handlers may touch little more than plain memory.
char current_check[200];
alignas(16) char handler_stack[1 << 16];  // the plugin's own may be what has run out

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
        case SIGSEGV:
            return "the plugin crashed (segmentation fault)";
        case SIGBUS:
            return "the plugin crashed (bus error)";
        case SIGFPE:
            return "the plugin crashed (integer division by zero)";
        case SIGILL:
            return "the plugin crashed (illegal instruction)";
        case SIGALRM:
            return "the plugin did not come back in time";
        default:
            return "the plugin ended the process (abort)";
    }
}

void tell_and_exit(int signal) {
    print("FAILED  ");
    print(current_check);
    print("  ");
    print(what_happened(signal));
    print("\nthe checks after this one were not run\n");
    _exit(1);
}

void install_handlers() {
    stack_t stack = {};
    stack.ss_sp = handler_stack;
    stack.ss_size = sizeof handler_stack;
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_handler = tell_and_exit;
    action.sa_flags = SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) sigaction(signal, &action, nullptr);
}

}  // namespace

void guard_check(const std::string& name, unsigned seconds) {
    if (current_check[0] == '\0') install_handlers();
    std::strncpy(current_check, name.c_str(), sizeof current_check - 1);
    alarm(seconds);
}

}  // namespace marginalia
