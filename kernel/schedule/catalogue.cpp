#include "kernel/schedule/catalogue.h"

#include <csignal>
#include <cstdlib>

#include <poll.h>

#include <marginalia/error.h>

#include "kernel/schedule/blame.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr int load_seconds = 120;  // for one plugin, or for LibTorch before the first
constexpr int cannot_load = 127;   // exit code of the dynamic loader where a library or a symbol is missing
constexpr int most_kills = 3;      // workers killed from outside before we give up

// One try at the list. Returns the sentence and file of a plugin that ended the worker, or nothing on success; no file
// where somebody outside ended it.
class Listing {
public:
    Listing(ReadyWorker& ready, const CatalogueCommand& command, int threads) : ready_(ready) {
        ready_.worker = std::make_unique<WorkerProcess>(worker_program(), threads);
        ready_.worker->send(Command::catalogue, encode_catalogue_command(command));
    }

    std::optional<PluginFailure> run() {
        for (;;) {
            WorkerProcess& worker = *ready_.worker;
            pollfd entries[2] = {{worker.record_descriptor(), POLLIN, 0}, {worker.command_descriptor(), POLLOUT, 0}};
            const int got = ::poll(entries, worker.has_unsent() ? 2 : 1, load_seconds * 1000);
            if (got == 0) return blame("does not finish loading within " + std::to_string(load_seconds) + " seconds");
            worker.write_some();
            bool open = true;
            try {
                open = worker.read_some([this](Record type, std::string_view bytes) { take(type, bytes); });
            } catch (const std::exception&) {
                return blame("writes to a file descriptor that is not its own when it is loaded");
            }
            if (complete_) return std::nullopt;
            if (!open) return blame(std::nullopt);
        }
    }

private:
    void take(Record type, std::string_view payload) {
        if (type == Record::loading) file_ = payload;
        if (type != Record::catalogue) return;
        const auto json = nlohmann::json::parse(payload);
        ready_.catalogue = json.at("catalogue").get<PluginCatalogue>();
        ready_.torch = json.at("torch").get<TorchReport>();
        complete_ = true;
    }

    PluginFailure blame(std::optional<std::string> what) {
        if (what) ready_.worker->kill();
        const Ending ending = ready_.worker->wait();
        const std::string output = last_output(ready_.worker->log_since(0));
        if (!what && ending.signal == SIGKILL)
            return {"", "was killed by " + ending.text() + " before it had loaded its plugins"};
        if (!what && ending.signal != 0) what = "crashes when it is loaded: " + ending.text();
        if (!what) what = "ends the program when it is loaded: " + ending.text();
        if (!file_.empty()) return {file_, *what};
        if (ending.code == cannot_load)
            throw Error(worker_program().string() +
                        " does not start: the LibTorch that it was built with is missing, or another lies in its "
                        "place; build again with `make`, or put it back (" +
                        output + ")");
        if (constexpr std::string_view own = "marginalia-worker: "; output.starts_with(own))
            throw Error(output.substr(own.size()));
        throw Error(worker_program().string() + ": the worker ended by " + ending.text() +
                    " before it loaded a plugin" + (output.empty() ? "" : "; last output: " + output));
    }

    ReadyWorker& ready_;
    std::string file_;  // the plugin that is being loaded
    bool complete_ = false;
};

}  // namespace

fs::path worker_program() {
    if (const char* other = std::getenv("MARGINALIA_WORKER")) return other;
    std::error_code none;
    return fs::read_symlink("/proc/self/exe", none).parent_path() / "marginalia-worker";
}

ReadyWorker start_worker(const std::vector<fs::path>& folders, int threads) {
    CatalogueCommand command;
    for (const fs::path& folder : folders) command.folders.push_back(folder.string());
    for (int kills = 0;;) {
        ReadyWorker ready;
        const auto failure = Listing(ready, command, threads).run();
        if (!failure) return ready;
        if (!failure->path.empty()) command.skip.push_back(*failure);
        else if (++kills > most_kills) throw Error(worker_program().string() + ": the worker " + failure->reason);
    }
}

PluginCatalogue fetch_catalogue(const std::vector<fs::path>& folders) { return start_worker(folders, 1).catalogue; }

}  // namespace marginalia
