#include "kernel/host/run/catalogue.h"

#include <marginalia/error.h>
#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <iterator>

#include "kernel/host/run/blame.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr int listing_tick = 100;  // milliseconds
constexpr int cannot_load = 127;   // exit code of the dynamic loader where a library or a symbol is missing
constexpr int most_kills = 3;      // workers killed from outside before we give up

// One try at the list.
class Listing {
public:
    Listing(ReadyWorker& ready, const CatalogueCommand& command, int threads, const WorkerPatience& patience)
        : ready_(ready), patience_(patience) {
        ready_.worker = std::make_unique<WorkerProcess>(worker_program(), threads);
        ready_.worker->send(Command::catalogue, encoded(command));
    }

    // Returns the sentence and file of a plugin that ended the worker, or nothing on success; no file where somebody
    // outside ended it. Nothing too once a signal has come: ready.stopped_by.
    std::optional<PluginFailure> run(StopSignals* signals) {
        WorkerProcess& worker = *ready_.worker;
        for (;;) {
            pollfd entries[] = {{signals ? signals->descriptor() : -1, POLLIN, 0},
                                {worker.end_descriptor(), POLLIN, 0},
                                {worker.record_descriptor(), POLLIN, 0},
                                {worker.has_unsent() ? worker.command_descriptor() : -1, POLLOUT, 0}};
            ::poll(entries, std::size(entries), listing_tick);
            if (entries[0].revents & POLLIN) take(signals->next());
            if (ready_.stopped_by != 0) return std::nullopt;
            worker.write_some();
            const bool ended = worker.ended();  // asked before the last is read
            try {
                const auto take = [this](Record type, std::string_view bytes) { this->take(type, bytes); };
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
    void take(Record type, std::string_view payload) {
        if (type == Record::loading) {
            file_ = payload;
            since_ = std::chrono::steady_clock::now();
        }
        if (type != Record::catalogue) return;
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
        const std::string output = last_output(ready_.worker->log_since(0));
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

}  // namespace

fs::path worker_program() {
    if (const char* other = std::getenv("MARGINALIA_WORKER")) return other;
    std::error_code none;
    return fs::read_symlink("/proc/self/exe", none).parent_path() / "marginalia-worker";
}

ReadyWorker start_worker(const std::vector<fs::path>& folders, int threads, const WorkerPatience& patience,
                         StopSignals* signals) {
    CatalogueCommand command;
    for (const fs::path& folder : folders) command.folders.push_back(folder.string());
    for (int kills = 0;;) {
        ReadyWorker ready;
        const auto failure = Listing(ready, command, threads, patience).run(signals);
        if (!failure) return ready;
        if (!failure->path.empty()) command.skip.push_back(*failure);
        else if (++kills > most_kills) throw Error(worker_program().string() + ": the worker " + failure->reason);
    }
}

PluginCatalogue fetch_catalogue(const std::vector<fs::path>& folders, const WorkerPatience& patience) {
    return start_worker(folders, 1, patience).catalogue;
}

}  // namespace marginalia
