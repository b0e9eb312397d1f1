// Slots, actions and the words on dead workers.
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernel/host/run/blame.h"
#include "kernel/host/run/live_runs.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/run/slots.h"
#include "kernel/host/run/work_list.h"
#include "kernel/host/run/worker_process.h"

using namespace marginalia;

namespace {

std::string text(const std::vector<Slot>& slots) {
    std::string line;
    for (const Slot& slot : slots) line += (line.empty() ? "" : " ") + slot.device + "x" + std::to_string(slot.threads);
    return line;
}

std::string slots(const RunSettings& run, std::size_t cuda = 0, int cores = 8, const Demand& demand = {}) {
    return text(make_slots(run, std::vector<std::int64_t>(cuda, 80), cores, demand));
}

// What a worker of two threads finds in its environment, a variable a line.
std::string worker_environment() {
    const std::filesystem::path program =
        std::filesystem::temp_directory_path() / ("print-environment-" + std::to_string(::getpid()));
    std::ofstream(program) << "#!/bin/sh\nenv\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    WorkerProcess worker(program, {.threads = 2});
    for (pollfd end{worker.end_descriptor(), POLLIN, 0}; !worker.ended();) ::poll(&end, 1, 100);
    std::filesystem::remove(program);
    worker.output().take_rest();
    return "\n" + worker.output().since(0);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a worker's environment sets what the user did not") {
    for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "GLIBC_TUNABLES"}) ::unsetenv(name);
    ::setenv("OMP_NUM_THREADS", "7", 1);
    const std::string ours = worker_environment();
    CHECK(contains(ours, "\nOMP_NUM_THREADS=2\n"));
    CHECK(!contains(ours, "OMP_NUM_THREADS=7"));
    CHECK(contains(ours, "\nGOMP_SPINCOUNT=3000\n"));
    CHECK(contains(ours, "\nGLIBC_TUNABLES=glibc.malloc.mmap_threshold=1073741824:"));

    ::setenv("OMP_WAIT_POLICY", "active", 1);
    ::setenv("GLIBC_TUNABLES", "glibc.malloc.perturb=0", 1);
    const std::string theirs = worker_environment();
    CHECK(contains(theirs, "\nOMP_WAIT_POLICY=active\n"));
    CHECK(!contains(theirs, "GOMP_SPINCOUNT"));
    CHECK(contains(theirs, "\nGLIBC_TUNABLES=glibc.malloc.perturb=0\n"));
}

TEST_CASE("a worker's end is seen though a child of it holds its pipe, and what it wrote is read") {
    const std::filesystem::path program =
        std::filesystem::temp_directory_path() / ("leaves-a-child-" + std::to_string(::getpid()));
    std::ofstream(program)
        << "#!/bin/sh\n(trap '' INT TERM; sleep 600) &\nprintf '\\001\\000\\000\\000\\001x' >&4\nexit 7\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    WorkerProcess worker(program, {.threads = 1});
    while (!worker.ended()) ::poll(nullptr, 0, 5);
    CHECK(worker.ending().text() == "exit code 7");
    std::string heard;
    worker.read_rest([&](RecordType type, std::string_view payload) {
        CHECK(type == RecordType::loading);
        heard += payload;
    });
    CHECK(heard == "x");
    // Its group goes with it: nobody of that number is left to be signalled.
    for (int tries = 0; ::kill(-worker.pid(), 0) == 0 && tries < 1000; ++tries) ::poll(nullptr, 0, 5);
    CHECK(::kill(-worker.pid(), 0) != 0);
    std::filesystem::remove(program);
}

TEST_CASE("slots share out the machine") {
    CHECK(slots({}) == "cpux8");
    CHECK(slots({.cores = 3}) == "cpux3 cpux3");
    CHECK(slots({.slots = 4}) == "cpux2 cpux2 cpux2 cpux2");
    CHECK(slots({.cores = 1, .slots = 2}) == "cpux1 cpux1");
    CHECK(slots({.slots = 2}, 0, 2) == "cpux1 cpux1");
    CHECK(slots({.device = "auto"}, 2) == "cuda:0x4 cuda:1x4");
    CHECK(slots({.device = "cuda:1", .cores = 2}, 2) == "cuda:1x2");
    CHECK(slots({.device = "fake:0, fake:1"}) == "fake:0x1 fake:1x1");
    CHECK(available_cores() >= 1);
}

TEST_CASE("where nobody says how many slots, trials that wait get a core each, and other runs their share") {
    const auto slots_for = [](std::size_t trials, int others, const RunSettings& run = {}) {
        return text(make_slots(run, {}, 4, {.trials = trials, .other_runs = others}));
    };
    CHECK(slots_for(0, 0) == "cpux4");
    CHECK(slots_for(2, 0) == "cpux2 cpux2");
    CHECK(slots_for(3, 0) == "cpux1 cpux1 cpux1");
    CHECK(slots_for(1, 1) == "cpux2");
    CHECK(slots_for(9, 1) == "cpux1 cpux1");
    CHECK(slots_for(9, 9) == "cpux1");
    CHECK(slots_for(9, 9, {.cores = 2}) == "cpux2 cpux2");
    CHECK(slots_for(9, 9, {.slots = 1}) == "cpux4");
}

TEST_CASE("runs that live are counted, runs that were killed are not, and nobody else's folder is used") {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("live-runs-" + std::to_string(::getpid()));
    {
        const LiveRun first(folder);
        CHECK(first.others() == 0);
        {
            const LiveRun second(folder), third(folder);
            CHECK(first.others() == 2);
            CHECK(third.others() == 2);
        }
        CHECK(first.others() == 0);
        std::ofstream(folder / "run-left-over") << "";
        CHECK(first.others() == 0);
        CHECK(!std::filesystem::exists(folder / "run-left-over"));
        std::filesystem::create_symlink("/dev/zero", folder / "run-link");
        CHECK(first.others() == 0);
    }
    std::filesystem::permissions(folder, std::filesystem::perms::all);
    std::ofstream(folder / "run-left-over") << "";
    CHECK(LiveRun(folder).others() == 0);  // anybody may write there
    CHECK(std::filesystem::exists(folder / "run-left-over"));
    std::filesystem::remove_all(folder);
}

TEST_CASE("devices that are not there are refused") {
    CHECK_THROWS_WITH(slots({.device = "cuda:2"}, 1),
                      "run.device: there is no 'cuda:2' here; LibTorch sees 1 CUDA device; use \"cpu\" or \"auto\"");
    CHECK_THROWS_WITH(slots({.cores = 2, .slots = 5}),
                      "run.slots = 5 of 2 cores each ask for more than the 8 cores that "
                      "this process may use; give fewer of either");
    CHECK_THROWS_WITH(slots({.cores = 9}),
                      "run.cores = 9 is more than the 8 cores that this process may use; give "
                      "fewer, or 0 for all");
    CHECK_THROWS_WITH(slots({.device = "tpu"}),
                      "run.device: 'tpu' is not a device; use \"auto\", \"cpu\" or a list such as \"cuda:0,cuda:1\"");
    // Every word of the list is a device as it is written, or none is taken.
    for (const char* wrong :
         {"cpu,", ",cpu", "cuda:0,,cuda:1", "cuda:0x", "cuda:1e0", "cuda:01", "cuda:+1", "cuda:-1", "cuda:", "cuda: 0",
          "cuda:99999999999999999999", "cuda:０", "cpu cpu", "auto,cpu", "CPU", "cpu\u00A0"}) {
        CAPTURE(std::string(wrong));
        CHECK_THROWS_WITH(slots({.device = wrong}, 2), doctest::Contains("is not a device; use"));
    }
    for (const char* empty : {"", " ", "\t"})
        CHECK_THROWS_WITH(slots({.device = empty}, 2), doctest::Contains("run.device is empty; use"));
    CHECK(slots({.device = " cuda:0 ,\tcuda:1\t"}, 2) == "cuda:0x4 cuda:1x4");
}

TEST_CASE("what run does with a trial follows from its status") {
    using store::Status;
    for (const Status status : {Status::queued, Status::preempted, Status::lost})
        CHECK(action_for(status, {}) == Action::run);
    for (const Status status : {Status::failed, Status::timeout, Status::oom}) {
        CHECK(action_for(status, {}) == Action::leave_failed);
        CHECK(action_for(status, {.retry_failed = true}) == Action::run);
    }
    CHECK(action_for(Status::done, {.retry_failed = true}) == Action::skip_done);
    CHECK(action_for(Status::running, {.retry_failed = true}) == Action::leave_running);
    for (const Status status : {Status::cancelled, Status::paused, Status::pruned})
        CHECK(action_for(status, {.retry_failed = true}) == Action::leave_stopped);
    // What a trial was made with has changed since: a failure may have been mended, a result is kept until it is asked
    // for.
    CHECK(action_for(Status::failed, {}, true) == Action::run);
    CHECK(action_for(Status::done, {}, true) == Action::skip_done);
    CHECK(action_for(Status::done, {.again = true}, true) == Action::run);
    CHECK(action_for(Status::done, {.again = true}, false) == Action::skip_done);
    CHECK(action_for(Status::running, {.again = true}, true) == Action::leave_running);
}

TEST_CASE("a trial's label names what it does not share with its siblings") {
    Experiment experiment;
    experiment.swept = {"train.learning_rate", "network.plugin"};
    const TrialConfig trial{{{"train", {{"learning_rate", 0.0005}}}, {"network", {{"plugin", "mlp"}}}}, "", 3};
    CHECK(label_of(experiment, trial) == "seed 3, learning_rate 0.0005, network mlp");
}

TEST_CASE("a crash is blamed on the innermost plugin of the stack") {
    const std::string log =
        "step 1\nbad thing\n/lib/worker(_Z1f+0x1)[0x7f01]\n/p/ring.so(+0x2)[0x7f02]\n"
        "/p/other.so(+0x2)[0x7f02]\n";
    PluginCatalogue plugins;
    plugins.plugins.resize(2);
    plugins.plugins[0].kind = plugins.plugins[1].kind = "energy";
    plugins.plugins[0].name = "other";
    plugins.plugins[0].path = "/p/other.so";
    plugins.plugins[1].name = "ring";
    plugins.plugins[1].path = "/p/ring.so";
    CHECK(plugin_on_stack(log, plugins) == "energy 'ring' (/p/ring.so)");
    CHECK(last_output(log) == "step 1 | bad thing");
    CHECK(last_output("").empty());
    CHECK(plugin_on_stack("nothing", plugins).empty());
}

TEST_CASE("every device has its slots, as many as trials leave room for where nobody says how many") {
    CHECK(slots({.device = "fake:0,fake:1", .slots = 2}) == "fake:0x1 fake:0x1 fake:1x1 fake:1x1");
    CHECK(slots({.device = "auto", .slots = 2}, 2) == "cuda:0x2 cuda:0x2 cuda:1x2 cuda:1x2");
    CHECK(slots({.device = "cuda:0", .cores = 1, .slots = 2}, 1) == "cuda:0x1 cuda:0x1");
    const auto asked = [](const Demand& demand) { return slots({.device = "cuda:0"}, 1, 8, demand); };  // 80 bytes
    CHECK(asked({.memory = 30}) == "cuda:0x4 cuda:0x4");
    CHECK(asked({.fraction = 0.5}) == "cuda:0x4 cuda:0x4");
    CHECK(asked({.memory = 10, .fraction = 1.0 / 3}) == "cuda:0x2 cuda:0x2 cuda:0x2");
    CHECK(asked({.memory = 1, .cores = 4}) == "cuda:0x4 cuda:0x4");
    CHECK(asked({.memory = 200}) == "cuda:0x8");
    CHECK(text(make_slots({}, {}, 8, {.trials = 20, .cores = 2})) == "cpux2 cpux2 cpux2 cpux2");
}

TEST_CASE("a worker's environment has the one device that it is to see") {
    ::setenv("CUDA_VISIBLE_DEVICES", "4,5", 1);
    const auto visible_to = [](std::optional<std::string> visible) {
        const std::filesystem::path program =
            std::filesystem::temp_directory_path() / ("print-devices-" + std::to_string(::getpid()));
        std::ofstream(program) << "#!/bin/sh\necho \"<$CUDA_VISIBLE_DEVICES>\"\n";
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        WorkerProcess worker(program, {.threads = 1, .visible = std::move(visible)});
        for (pollfd end{worker.end_descriptor(), POLLIN, 0}; !worker.ended();) ::poll(&end, 1, 100);
        std::filesystem::remove(program);
        return worker.printed_since(0);
    };
    CHECK(visible_to(std::nullopt) == "<4,5>\n");
    CHECK(visible_to("5") == "<5>\n");
    CHECK(visible_to("") == "<>\n");
    ::unsetenv("CUDA_VISIBLE_DEVICES");
}
