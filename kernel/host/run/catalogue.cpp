#include "kernel/host/run/catalogue.h"

#include <marginalia/error.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <tuple>

#include "kernel/host/run/blame.h"
#include "kernel/host/run/catalogue_cache.h"
#include "kernel/host/run/plugin_folders.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr int listing_tick = 100;  // milliseconds
constexpr int cannot_load = 127;   // exit code of the dynamic loader where a library or a symbol is missing
constexpr int most_kills = 3;      // workers killed from outside before we give up

// One try at the list.
class Listing {
public:
    Listing(ReadyWorker& ready, const std::vector<std::string>& files, int threads, const WorkerPatience& patience)
        : ready_(ready), patience_(patience) {
        ready_.worker = std::make_unique<WorkerProcess>(worker_program(), WorkerPlace{.threads = threads});
        ready_.worker->send(Command::catalogue, encode_files(files));
    }

    // Returns the sentence and file of a plugin that ended the worker, or nothing on success; no file where somebody
    // outside ended it. Nothing too once a signal has come: ready.stopped_by.
    std::optional<PluginFailure> run(StopSignals* signals) {
        WorkerProcess& worker = *ready_.worker;
        for (;;) {
            pollfd entries[] = {{signals ? signals->descriptor() : -1, POLLIN, 0},
                                {worker.end_descriptor(), POLLIN, 0},
                                {worker.record_descriptor(), POLLIN, 0},
                                {worker.has_unsent() ? worker.command_descriptor() : -1, POLLOUT, 0},
                                {worker.output().descriptor(), POLLIN, 0}};
            ::poll(entries, std::size(entries), listing_tick);
            if (entries[0].revents & POLLIN) take(signals->next());
            if (ready_.stopped_by != 0) return std::nullopt;
            worker.write_some();
            worker.output().take();
            const bool ended = worker.ended();  // asked before the last is read
            try {
                const auto take = [this](RecordType type, std::string_view bytes) { this->take(type, bytes); };
                if (ended) worker.read_rest(take);
                else if (entries[2].revents) worker.read_some(take);
            } catch (const std::exception&) {
                return blame("writes to a file descriptor that is not its own when it is loaded");
            }
            if (complete_) return std::nullopt;
            if (ended) return blame(std::nullopt);
            if (const auto what = lost_patience()) return blame(what);
        }
    }

private:
    void take(RecordType type, std::string_view payload) {
        if (type == RecordType::loading) {
            file_ = payload;
            since_ = std::chrono::steady_clock::now();
        }
        if (type != RecordType::catalogue) return;
        auto answer = decoded<CatalogueAnswer>(payload);
        ready_.catalogue = std::move(answer.catalogue);
        ready_.torch = std::move(answer.torch);
        complete_ = true;
    }

    void take(int signal) {
        if (signal != SIGTSTP) {
            ready_.stopped_by = signal;
            return;
        }
        const auto began = std::chrono::steady_clock::now();
        ready_.worker->signal(SIGSTOP);
        StopSignals::stop_here();
        ready_.worker->signal(SIGCONT);
        since_ += std::chrono::steady_clock::now() - began;
    }

    std::optional<std::string> lost_patience() const {
        const auto now = std::chrono::steady_clock::now();
        const auto closed = ready_.worker->closed();
        if (closed && now - *closed > patience_.end)
            return "closes a file descriptor that is not its own when it is loaded";
        if (now - since_ <= patience_.loading) return std::nullopt;
        if (ready_.worker->half_said()) return "writes to a file descriptor that is not its own when it is loaded";
        return "does not finish loading within " + seconds_text(patience_.loading);
    }

    PluginFailure blame(std::optional<std::string> what) {
        const Ending ending = ready_.worker->ending();  // where there is no `what`, it has ended
        const std::string output = last_output(ready_.worker->printed_since(0));
        if (!what && ending.signal == SIGKILL)
            return {"", "was killed by " + ending.text() + " before it had loaded its plugins"};
        if (!what && ending.signal != 0) what = "crashes when it is loaded: " + ending.text();
        if (!what) what = "ends the program when it is loaded: " + ending.text();
        if (!file_.empty()) return {file_, *what};
        if (says_out_of_memory(output))
            throw Error(worker_program().string() +
                        " does not start: there is not enough memory for LibTorch; raise the "
                        "limit of address space (ulimit -v) or free some (" +
                        output + ")");
        if (ending.code == cannot_load)
            throw Error(worker_program().string() +
                        " does not start: the LibTorch that it was built with is missing, or another lies in its "
                        "place; build again with `make`, or put it back (" +
                        output + ")");
        if (constexpr std::string_view own = "marginalia-worker: "; output.starts_with(own))
            throw Error(output.substr(own.size()));
        const bool told = ending.signal == 0 && ending.code == 0;
        throw Error(worker_program().string() + ": the worker " +
                    (told ? *what : "ended by " + ending.text() + " before it loaded a plugin") +
                    (output.empty() ? "" : "; last output: " + output));
    }

    ReadyWorker& ready_;
    const WorkerPatience& patience_;
    std::string file_;  // the plugin that is being loaded
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    bool complete_ = false;
};

// A worker that has opened the files. One that ends its worker, or does not come to an end with it, becomes a failure,
// and a new worker starts without it.
ReadyWorker ask_worker(std::vector<std::string> files, int threads, const WorkerPatience& patience,
                       StopSignals* signals) {
    std::vector<PluginFailure> broken;
    for (int kills = 0;;) {
        ReadyWorker ready;
        const auto failure = Listing(ready, files, threads, patience).run(signals);
        if (!failure) {
            std::ranges::move(broken, std::back_inserter(ready.catalogue.failures));
            return ready;
        }
        if (std::erase(files, failure->path) > 0) broken.push_back(*failure);
        else if (++kills > most_kills) throw Error(worker_program().string() + ": the worker " + failure->reason);
    }
}

// What is known of the files, with one plugin of each kind and name: the first in the order of search.
PluginCatalogue chosen(const std::vector<fs::path>& files, const CatalogueCache& known) {
    PluginCatalogue catalogue;
    for (const fs::path& file : files) {
        const CatalogueCache::Finding* found = known.find(file);
        if (!found) catalogue.failures.push_back({file.string(), "its name is not UTF-8; rename it"});
        else if (!found->plugin) catalogue.failures.push_back({file.string(), found->refusal});
        else if (const PluginManifest* first = catalogue.find(found->plugin->kind, found->plugin->name))
            catalogue.failures.push_back({file.string(), "a second " + first->kind + " named '" + first->name +
                                                             "'; the one in " + first->path +
                                                             " is used; remove or rename one of them"});
        else catalogue.plugins.push_back(*found->plugin);
    }
    std::ranges::sort(catalogue.plugins, {}, [](const PluginManifest& p) { return std::tie(p.kind, p.name); });
    return catalogue;
}

// The plugins there are, and the worker that was asked about those of which nothing is known, or about `all`.
ReadyWorker look_at(const std::vector<fs::path>& folders, bool all, const WorkerPatience& patience,
                    StopSignals* signals) {
    PluginCatalogue catalogue;
    const std::vector<fs::path> files = plugin_files(folders, catalogue.failures);
    CatalogueCache known(worker_program());
    std::vector<std::string> unknown;
    for (const fs::path& file : files)
        if (!known.look_up(file) || all) unknown.push_back(file.string());
    ReadyWorker ready;
    if (!unknown.empty() || all) {
        ready = ask_worker(unknown, 1, patience, signals);
        if (ready.stopped_by != 0) return ready;
        known.keep(ready.catalogue, ready.torch.library);
    }
    ready.catalogue = chosen(files, known);
    std::ranges::move(catalogue.failures, std::back_inserter(ready.catalogue.failures));
    return ready;
}

}  // namespace

fs::path worker_program() {
    if (const char* other = std::getenv("MARGINALIA_WORKER")) return other;
    std::error_code none;
    return fs::read_symlink("/proc/self/exe", none).parent_path() / "marginalia-worker";
}

ReadyWorker list_plugins(const std::vector<fs::path>& folders, const WorkerPatience& patience, StopSignals* signals) {
    ReadyWorker looked = look_at(folders, false, patience, signals);
    looked.worker.reset();  // constructors of every new plugin have run in it
    return looked;
}

ReadyWorker start_worker(PluginCatalogue catalogue, int threads, const WorkerPatience& patience, StopSignals* signals) {
    ReadyWorker ready = ask_worker({}, threads, patience, signals);
    ready.catalogue = std::move(catalogue);
    return ready;
}

ReadyWorker try_all_plugins(const std::vector<fs::path>& folders) { return look_at(folders, true, {}, nullptr); }

PluginCatalogue remembered_catalogue(const std::vector<fs::path>& folders) {
    std::vector<PluginFailure> unread;
    std::vector<fs::path> files = plugin_files(folders, unread);
    CatalogueCache known(worker_program());
    std::erase_if(files, [&](const fs::path& file) { return !known.look_up(file); });
    return chosen(files, known);
}

PluginCatalogue fetch_catalogue(const std::vector<fs::path>& folders, const WorkerPatience& patience) {
    return look_at(folders, false, patience, nullptr).catalogue;
}

}  // namespace marginalia
