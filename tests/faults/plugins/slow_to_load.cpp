// An energy for tests that does what LOADING says while it is loaded; with LOADING_MARK only where that file exists,
// which it makes otherwise: so the first worker loads it and the next ones suffer.
#include <marginalia/energy.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>

namespace {

void act(const std::string& how) {
    const auto sleep_long = [] { std::this_thread::sleep_for(std::chrono::minutes(10)); };
    if (how == "block") sleep_long();
    if (how == "babble") std::ignore = write(4, "hello, world\n", 13);
    if (how == "babble-a-head") std::ignore = write(4, "\5\0\0\0\1", 5), sleep_long();
    if (how == "close") close(4), sleep_long();
    if (how == "fork-and-crash") {
        if (fork() == 0) sleep_long();
        std::raise(SIGSEGV);
    }
}

const int loaded = [] {
    const char* how = std::getenv("LOADING");
    const char* mark = std::getenv("LOADING_MARK");
    if (mark && !std::ifstream(mark)) std::ofstream(mark) << "loaded once";
    else if (how) act(how);
    return 0;
}();

constexpr marginalia::Parameter parameters[] = {
    {.name = "unused", .type = marginalia::ParameterType::integer, .fallback = "0", .help = "nothing"}};

struct SlowToLoad final : marginalia::Energy {
    explicit SlowToLoad(const marginalia::Params&) : Energy(4, 2) {}
    double log_density(marginalia::State) const override { return loaded; }
};

}  // namespace

MARGINALIA_ENERGY(SlowToLoad, "slow-to-load", "for tests of the scheduler", "", parameters);
