// An energy for tests: does to its process what `how` says, and then answers as if nothing had happened.
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cfenv>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <thread>
#include <tuple>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <marginalia/energy.h>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "how", .type = ParameterType::text, .fallback = "\"nothing\"", .help = "what it does"},
    {.name = "mark", .type = ParameterType::path, .fallback = "\"mark\"", .help = "file for a child's process number"},
};

void sleep_long() { std::this_thread::sleep_for(std::chrono::minutes(10)); }

void limit(__rlimit_resource resource, rlim_t most) {
    rlimit now{};
    getrlimit(resource, &now);
    now.rlim_cur = most;
    setrlimit(resource, &now);
}

// The child keeps every descriptor that it inherits.
void fork_child(const std::string& mark) {
    const pid_t child = fork();
    if (child == 0) sleep_long(), _exit(0);
    std::ofstream(mark) << child << std::endl;
}

void end(const std::string& how) {
    if (how.ends_with("exit")) _exit(7);
    if (how.ends_with("crash")) std::raise(SIGSEGV);
    if (how.ends_with("sleep")) sleep_long();
    if (how == "no-memory-elsewhere") std::thread([] { throw std::bad_alloc(); }).join();
    if (how == "no-memory-wrapped") throw marginalia::Error("energy 'guilty': std::bad_alloc");
}

void change(const std::string& how) {
    if (how == "round") std::fesetround(FE_UPWARD);
#if defined(__SSE__)
    if (how == "flush") _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
    if (how == "close-output") close(STDOUT_FILENO);
    if (how == "replace-output") dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    if (how == "close-commands") close(3);
    if (how == "files") limit(RLIMIT_NOFILE, 8);
    if (how == "file-size") limit(RLIMIT_FSIZE, 1000);
    if (how == "umask") umask(0777);
    if (how == "folder") std::ignore = chdir("/");
    if (how == "environment") setenv("OMP_NUM_THREADS", "7", 1);
    if (how == "handler") std::signal(SIGSEGV, SIG_IGN);
    if (how == "mask") {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
    }
    if (how == "alarm") alarm(1000);
    if (how == "locale") std::setlocale(LC_ALL, "C.UTF-8");
    if (how == "nice") std::ignore = nice(5);
    if (how == "thread")
        std::thread([] { std::this_thread::sleep_for(std::chrono::milliseconds(30)), _exit(3); }).detach();
}

class GuiltyEnergy final : public marginalia::Energy {
public:
    explicit GuiltyEnergy(const marginalia::Params& params)
        : Energy(4, 2), how_(params.text("how")), mark_(params.text("mark")) {}

    double log_density(marginalia::State) const override {
        if (how_.starts_with("fork")) fork_child(mark_);
        change(how_);
        end(how_);
        if (how_ == "close-records") close(4), sleep_long();
        return 0;
    }

private:
    const std::string how_, mark_;
};

}  // namespace

MARGINALIA_ENERGY(GuiltyEnergy, "guilty", "for tests of the scheduler", "", parameters);
