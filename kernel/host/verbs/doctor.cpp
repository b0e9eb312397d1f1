// `doctor`: whether this machine and this store are fit for work, and what to do where they are not.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/devices.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/precision.h"
#include "store/check.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_doctor =
    R"(Of a store it looks at the pages, tables, rows and counts, at the trials whose process is gone, at what nobody needs
and at where the file lies, and says what to do about each. It only reads. A byte changed within a number or a text
cannot be seen: SQLite keeps no checksums.

Examples:
  marginalia doctor
  marginalia doctor --store marginalia.db

Exit codes: 0 all is well, 3 a worker or plugin is not, 4 the store is not.)";

// Prints checks and remembers the exit code of the worst.
class Checks {
public:
    explicit Checks(std::ostream& out) : out_(out), colour_(screen().colour) {}

    void good(const std::string& what, const std::string& text) { line("ok", Tone::good, what, text); }
    void note(const std::string& what, const std::string& text) { line("note", Tone::warn, what, text); }
    void bad(const std::string& what, const std::string& text, int code) {
        line("bad", Tone::bad, what, text);
        if (code_ == exit_ok) code_ = code;
    }
    int code() const { return code_; }

private:
    void line(const std::string& word, Tone tone, const std::string& what, const std::string& text) {
        fmt::print(out_, "{}{} {:<16} {}\n", toned(word, tone, colour_), std::string(4 - word.size(), ' '),
                   printable(what), printable(text));
    }

    std::ostream& out_;
    bool colour_;
    int code_ = exit_ok;
};

// Distinct files of LibTorch mapped into a process: more than one means that two copies got mixed.
std::set<std::string> mapped_torch(pid_t process) {
    std::ifstream maps(fmt::format("/proc/{}/maps", process));
    std::set<std::string> files;
    for (std::string line; std::getline(maps, line);)
        if (line.find("/libtorch_cpu.so") != std::string::npos) files.insert(line.substr(line.find('/')));
    return files;
}

void check_gpus(Checks& checks, const TorchReport& torch) {
    checks.good("NVIDIA driver", torch.driver.empty() ? "none, so trials run on the CPU" : torch.driver);
    for (std::size_t i = 0; i < torch.gpus.size(); ++i) {
        const std::string what = fmt::format("GPU {}", i);
        const std::string gpu =
            fmt::format("{}, {:.1f} GiB", torch.gpus[i].name, static_cast<double>(torch.gpus[i].bytes) / (1 << 30));
        if (static_cast<int>(i) < torch.cuda_devices) checks.good(what, gpu + ", used as cuda:" + std::to_string(i));
        else checks.note(what, gpu + ", not used");
    }
    if (!torch.problem.empty()) checks.note("CUDA", torch.problem);
    if (torch.cuda_devices == 0) return;
    const auto memory = DeviceMeter().memory(described_device("cuda:0", torch, std::getenv("CUDA_VISIBLE_DEVICES")));
    if (memory) checks.good("GPU memory", bytes_text(static_cast<std::uint64_t>(memory->free)) + " of cuda:0 are free");
    else checks.note("GPU memory", "what is free cannot be measured: the driver's libnvidia-ml.so.1 is not there");
}

void check_worker(Checks& checks, const std::vector<std::filesystem::path>& folders) {
    try {
        const ReadyWorker ready = try_all_plugins(folders);
        const TorchReport& torch = ready.torch;
        checks.good("worker", worker_program().string());
        const std::set<std::string> copies = mapped_torch(ready.worker->pid());
        if (copies.size() > 1) {
            std::string list;
            for (const std::string& copy : copies) list += (list.empty() ? "" : " and ") + copy;
            checks.bad("LibTorch",
                       fmt::format("{} are both loaded; remove the plugin or package that brings the second", list),
                       exit_plugin);
        } else {
            checks.good("LibTorch", fmt::format("{}, {} build, {}", torch.version, torch.build, torch.library));
        }
        check_gpus(checks, torch);
        for (const std::filesystem::path& folder : folders)
            if (std::filesystem::is_directory(folder)) checks.good("plugin folder", folder.string());
            else checks.note("plugin folder", folder.string() + " is not there");
        const std::string found = count_text(ready.catalogue.plugins.size(), "plugin");
        if (ready.catalogue.plugins.empty())
            checks.bad("plugins", "none found; build some or name their folder with --plugin-path", exit_plugin);
        else checks.good("plugins", found + " loaded");
        for (const PluginFailure& failure : ready.catalogue.failures)
            checks.bad("plugin", fmt::format("{}: {}", failure.path, failure.reason), exit_plugin);
    } catch (const std::exception& error) {
        checks.bad("worker", error.what(), exit_plugin);
    }
}

void check_store(Checks& checks, const std::filesystem::path& file) {
    using Weight = store::Finding::Weight;
    for (const store::Finding& finding : store::examine(file)) {
        const std::string about = "store's " + finding.about;
        if (finding.weight == Weight::good) checks.good(about, finding.words);
        if (finding.weight == Weight::note) checks.note(about, finding.words);
        if (finding.weight == Weight::damage) checks.bad(about, finding.words, exit_store);
    }
}

void check_disk(Checks& checks, const std::filesystem::path& folder) {
    std::error_code missing;
    const std::filesystem::space_info space = std::filesystem::space(folder, missing);
    constexpr std::uintmax_t little = 1'000'000'000;
    const std::string free = bytes_text(space.available) + " free for the store";
    if (missing) checks.bad("disk", folder.string() + " is not there", exit_store);
    else if (space.available < little) checks.note("disk", free + "; checkpoints may fill it");
    else checks.good("disk", free);
}

// The store alone, which there must be.
int store_verb(const std::filesystem::path& file, std::ostream& out) {
    if (!std::filesystem::exists(file)) store::Store::open_to_read(file);  // which says so
    Checks checks(out);
    check_store(checks, file);
    return checks.code();
}

struct DoctorOptions {
    std::string store;
    const CLI::Option* store_alone = nullptr;
};

int doctor_verb(const Common& common, const DoctorOptions& options, std::ostream& out) {
    if (options.store_alone->count() > 0)
        return store_verb(options.store.empty() ? common.store : std::filesystem::path(options.store), out);
    Checks checks(out);
    checks.good("program", fmt::format("marginalia {}, SQLite {}", MARGINALIA_VERSION, sqlite3_libversion()));
    checks.good("cores",
                fmt::format("{} of {} may be used here", available_cores(), std::thread::hardware_concurrency()));
    checks.good("bfloat16", processor_has_bfloat16()
                                ? "this processor has products of it; train.precision = \"auto\" trains in it"
                                : "this processor has no products of it; train.precision = \"auto\" is float32 here");
    if (const char* threads = std::getenv("OMP_NUM_THREADS"))
        checks.note("OMP_NUM_THREADS", fmt::format("is {}; workers set their own", threads));
    check_worker(checks, plugin_folders(common.plugin_paths));
    std::error_code unknown;
    if (std::filesystem::exists(common.store, unknown)) check_store(checks, common.store);
    else
        checks.note("store", fmt::format("{} is not there yet; `marginalia run FILE` makes it", common.store.string()));
    check_disk(checks, std::filesystem::absolute(common.store).parent_path());
    return checks.code();
}

}  // namespace

void add_doctor(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "doctor", "Check worker, LibTorch, plugins, store and disk", doctor_verb);
    verb->footer(footer_of_doctor);
    options.store_alone =
        verb->add_option("--store", options.store, "check a store and nothing else: FILE, or the one that verbs take")
            ->expected(0, 1);
}

}  // namespace marginalia
