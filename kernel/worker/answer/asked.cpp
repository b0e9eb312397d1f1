#include "kernel/worker/answer/asked.h"

#include <fmt/format.h>

#include <iostream>

namespace marginalia {

bool Waiting::is_due() {
    if (!watched_ || Clock::now() - last_ < std::chrono::milliseconds(500)) return false;
    last_ = Clock::now();
    return true;
}

void Waiting::tick() {
    ++passes_;
    if (!is_due()) return;
    const std::string of = total_ > 0 ? fmt::format(" of {}", total_) : "";
    show(fmt::format("{}{} states drawn, {} passes of the network", done_, of, passes_));
}

void Waiting::drawn(std::int64_t states) {
    clear();
    done_ += states;
}

void Waiting::exact(std::int64_t done) {
    if (is_due()) show(fmt::format("{} exact log-marginals", done));
}

void Waiting::show(const std::string& text) {
    shown_ = true;
    std::cerr << '\r' << text << "\x1b[K" << std::flush;
}

void Waiting::clear() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
    shown_ = false;
}

}  // namespace marginalia
