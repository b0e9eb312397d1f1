// A worker whose trials take milliseconds and misbehave on request; no LibTorch. A trial's metrics come from a state
// that only an exact resume carries on: x(step + 1) = mix(x(step)).
#include <fcntl.h>
#include <marginalia/energy.h>
#include <marginalia/random.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <thread>

#include "kernel/spec/experiment.h"
#include "kernel/worker/plugins/plugin_host.h"
#include "kernel/worker/worker.h"

namespace {

using namespace marginalia;

struct State {
    std::int64_t step = 0;
    std::uint64_t x = 0;
};

std::uint64_t mix(std::uint64_t x) { return mixed_bits(x + golden_step); }

// A checkpoint is the state and then bytes that follow from it, as many as asked for.
void fill(std::string& part, std::size_t place, const State& state) {
    for (std::size_t i = 0; i < part.size(); i += sizeof(std::uint64_t)) {
        const std::uint64_t word = state.x + place + i;
        std::memcpy(part.data() + i, &word, std::min(sizeof word, part.size() - i));
    }
}

constexpr std::size_t part_bytes = 1 << 16;

void write(const State& state, std::size_t filling, const ByteSink& sink) {
    sink({reinterpret_cast<const char*>(&state), sizeof state});
    for (std::size_t at = 0; at < filling; at += part_bytes) {
        std::string part(std::min(part_bytes, filling - at), '\0');
        fill(part, at, state);
        sink(part);
    }
}

State loaded(std::string_view bytes) {
    State state;
    std::memcpy(&state, bytes.data(), sizeof state);
    bytes.remove_prefix(sizeof state);
    for (std::size_t at = 0; at < bytes.size(); at += part_bytes) {
        std::string part(std::min(part_bytes, bytes.size() - at), '\0');
        fill(part, at, state);
        if (part != bytes.substr(at, part_bytes)) throw Error("the checkpoint is not as it was written");
    }
    return state;
}

// Past the recorder, as a plugin that writes to the wrong descriptor would; after what the recorder holds, which it
// sends every 20 ms.
void babble(const std::string& hexadecimal) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hexadecimal.size(); at += 2)
        bytes += static_cast<char>(std::stoi(hexadecimal.substr(at, 2), nullptr, 16));
    constexpr int record_pipe = 4;
    if (::write(record_pipe, bytes.data(), bytes.size()) < 0) std::perror("babble");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

// The device that CUDA_VISIBLE_DEVICES names, as files of the folder MARGINALIA_FAKE_DEVICES
// (kernel/host/run/devices.h). `most` there has the most that was ever taken. What a process has taken once it keeps,
// as LibTorch does.
class FakeDevice {
public:
    FakeDevice() {
        const char* all = std::getenv("MARGINALIA_FAKE_DEVICES");
        const char* one = std::getenv("CUDA_VISIBLE_DEVICES");
        if (!all || !one) return;
        total_ = number_in(std::filesystem::path(all) / "memory");
        folder_ = std::filesystem::path(all) / one;
    }

    void use(std::int64_t bytes) const {
        if (folder_.empty()) return;
        if (std::filesystem::exists(folder_ / "lost")) throw Error("CUDA error: the GPU is lost");
        std::filesystem::create_directories(folder_);
        const int lock = ::open((folder_ / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
        ::flock(lock, LOCK_EX);
        const auto own = folder_ / std::to_string(::getpid());
        const std::int64_t kept = std::max(bytes, number_in(own)), others = taken_by_others(own);
        if (kept + others <= total_) {
            std::ofstream(own.string() + ".new") << kept;
            std::filesystem::rename(own.string() + ".new", own);
            const std::int64_t most = number_in(folder_ / "most");
            std::ofstream(folder_ / "most") << std::max(most, kept + others);
        }
        ::close(lock);
        if (kept + others > total_) throw Error("CUDA out of memory: " + std::to_string(bytes) + " bytes");
    }

    void lose() const {
        if (!folder_.empty()) std::ofstream(folder_ / "lost") << "yes";
    }

private:
    static std::int64_t number_in(const std::filesystem::path& file) {
        std::int64_t number = 0;
        std::ifstream(file) >> number;
        return number;
    }

    std::int64_t taken_by_others(const std::filesystem::path& own) const {
        std::int64_t taken = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            const std::string process = entry.path().filename();
            if (entry.path() != own && process.find_first_not_of("0123456789") == process.npos &&
                std::filesystem::exists("/proc/" + process))
                taken += number_in(entry.path());
        }
        return taken;
    }

    std::filesystem::path folder_;
    std::int64_t total_ = 0;
};

void break_device(const std::string& how, const std::string& mark) {
    if (how.ends_with("-once") && std::ifstream(mark)) return;
    std::ofstream(mark) << "here";
    if (how == "device-lost-once") {
        FakeDevice().lose();
        throw Error("CUDA error: uncorrectable ECC error encountered");
    }
    throw Error("CUDA error: an illegal memory access was encountered");
}

constexpr std::size_t leaked_bytes = 50 << 20;

// 100 MB between two lines that a reader may look for.
void flood() {
    std::string line(1000, 'x');
    line.back() = '\n';
    std::printf("the beginning\n");
    for (int i = 0; i < 100'000; ++i) std::fwrite(line.data(), 1, line.size(), stdout);
    std::printf("the end\n");
}

void misbehave(const std::string& how, const std::string& mark) {
    if (how == "print") {
        std::printf("half way\n");
        std::fprintf(stderr, "\x1b[31mnot well\n");
        std::printf("and no more");  // a line that is not ended
    }
    if (how == "flood") flood();
    if (how == "says-device-lost") throw Error("CUDA error: the GPU is lost");
    if (how.starts_with("device-")) break_device(how, mark);
    if (how == "throw") throw Error("the energy is not in the mood");
    if (how == "not-finite") throw NotFinite("the loss is not a finite number");
    if (how == "throw-once" && !std::ifstream(mark)) {
        std::ofstream(mark) << "here";
        throw Error("once and never again");
    }
    if (how == "crash") {
        std::fprintf(stderr, "about to touch what is not ours\n");
        std::raise(SIGSEGV);
    }
    if (how == "sleep") std::this_thread::sleep_for(std::chrono::hours(1));
    if (how == "exit") std::_Exit(7);
    if (how == "out-of-memory") throw std::bad_alloc();
    if (how == "kill-itself") ::kill(::getpid(), SIGKILL);
    if (how == "fork" && ::fork() == 0) ::sleep(2), std::_Exit(0);  // with every descriptor that it inherits
    if (how == "close-descriptors") ::close_range(3, 1000, 0);
    if (how == "leak") std::memset(std::malloc(leaked_bytes), 1, leaked_bytes);
}

// Energies other than the fake one are made and asked once, so that broken plugins break as they would in training.
void ask_energy(const PluginHost& plugins, const PluginTable& table) {
    const auto create = reinterpret_cast<EnergyFactory>(plugins.factory("energy", table.plugin));
    const std::unique_ptr<Energy> energy(
        create(params_of(table.parameters, plugins.manifest("energy", table.plugin).parameters)));
    const std::vector<std::uint8_t> zeros(static_cast<std::size_t>(energy->sites()), 0);
    energy->log_density(zeros);
}

TrialOutcome run_fake_trial(TrialRequest request, const PluginHost& plugins, Recorder& recorder) {
    if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES"))  // of the job that runs last
        recorder.sample("visible", 0, "text", visible);
    if (request.evaluate) return TrialOutcome::done;  // it has said what it knows
    const PluginTable& table = request.settings.plugin("energy");
    if (table.plugin != "fake") {
        ask_energy(plugins, table);
        recorder.checkpoint(request.settings.train.steps, "nothing");  // every training ends with one
        return TrialOutcome::done;
    }
    const nlohmann::json& energy = table.parameters;
    const std::int64_t steps = request.settings.train.steps, every = energy.at("checkpoint_every");
    const auto pause = std::chrono::duration<double, std::milli>(energy.at("step_milliseconds").get<double>());
    const bool fails = request.settings.plugin("objective").parameters.value("fails", false);
    State state{0, mix(static_cast<std::uint64_t>(request.seed) * 1000 + energy.at("variant").get<std::uint64_t>())};
    if (!request.checkpoint.empty()) state = loaded(request.checkpoint);
    std::string().swap(request.checkpoint);
    if (!request.start_from.empty()) state.x = mix(reinterpret_cast<const State*>(request.start_from.data())->x);

    const auto filling = static_cast<std::size_t>(energy.at("checkpoint_megabytes").get<double>() * 1e6);
    const auto save = [&] {
        recorder.stream_checkpoint(state.step, [&](const ByteSink& sink) { write(state, filling, sink); });
    };
    auto taken = static_cast<std::int64_t>(energy.at("device_megabytes").get<double>() * 1e6);
    if (request.micro_batch > 0) taken = taken * request.micro_batch / request.settings.train.micro_batch;
    while (state.step < steps) {
        if (state.step == request.stop_at && state.step > 0) return TrialOutcome::reached;
        if (state.step == steps / 2) misbehave(fails ? "throw" : energy.at("behaviour"), energy.at("mark"));
        if (state.step == steps / 2 && request.rate == 1) misbehave(energy.at("at_full_rate"), energy.at("mark"));
        const std::string behaviour = energy.at("behaviour");
        if (state.step == steps / 2 && behaviour.starts_with("babble")) babble(energy.at("bytes"));
        if (state.step == steps / 2 && behaviour == "babble-and-sleep")
            std::this_thread::sleep_for(std::chrono::hours(1));
        if (state.step == steps / 4) FakeDevice().use(taken);
        std::this_thread::sleep_for(pause);
        state.x = mix(state.x);
        recorder.metric("loss", ++state.step, unit_interval(state.x));
        recorder.progress("training", state.step, steps);
        if (recorder.stop_requested()) return save(), TrialOutcome::stopped;
        if (state.step == request.stop_at || (every > 0 && state.step % every == 0)) save();
    }
    save();
    recorder.sample("state", state.step, "text", "x = " + std::to_string(state.x));
    recorder.final_metric("kl", unit_interval(mix(state.x)));
    recorder.final_metric("worker_pid", static_cast<double>(::getpid()));
    recorder.final_metric("threads", request.threads);
    cpu_set_t processors;
    if (::sched_getaffinity(0, sizeof processors, &processors) == 0) {
        recorder.final_metric("processors", CPU_COUNT(&processors));
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &processors)) recorder.final_metric("processor", i);  // the last
    }
    return TrialOutcome::done;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        prepare_worker_process();
        serve(parse_worker_arguments(argc, argv), {.run_trial = run_fake_trial, .torch = {.version = "none"}});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fake_worker: %s\n", error.what());
        return 2;
    }
}
