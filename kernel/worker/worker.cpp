#include "kernel/worker/worker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <optional>

#include "kernel/plugins/plugin_host.h"
#include "kernel/worker/pipe_recorder.h"
#include "kernel/worker/process_state.h"

namespace marginalia {
namespace {

// Text from plugins may be anything; JSON wants UTF-8.
std::string dump(const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

constexpr std::size_t most_message = 4000;  // bytes of an error's text that are kept

// LibTorch appends a backtrace to its sentences; the whole text stays in the worker's log.
std::string first_sentence(const std::string& whole) {
    std::string text(without_stack(whole));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.size() > most_message)
        text = text.substr(0, most_message) + "... (" + std::to_string(text.size()) + " bytes in all)";
    return text.empty() ? "the trial ended with an exception without a message" : text;
}

// Commands as they arrive: `stop` takes effect at once, the others wait for the main thread.
class Inbox {
public:
    Inbox(int descriptor, PipeRecorder& recorder) : descriptor_(descriptor), recorder_(recorder) {
        std::thread([this] { listen(); }).detach();  // lives as long as the process: it blocks in read
    }

    std::pair<Command, std::string> next() {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return !commands_.empty(); });
        auto command = std::move(commands_.front());
        commands_.pop_front();
        return command;
    }

private:
    void listen() {
        FrameReader reader;
        FrameReader::Frame frame;
        while (reader.read_from(descriptor_) > 0)
            while (reader.next(frame)) take(static_cast<Command>(frame.type), frame.payload);
        if (::fcntl(descriptor_, F_GETFD) < 0) {
            std::fprintf(stderr, "a plugin closed file descriptor %d, which is the host's\n", descriptor_);
            ::_exit(1);
        }
        end_worker_group();  // the host is gone, and with it every reason to go on
    }

    void take(Command command, std::string_view payload) {
        if (command == Command::stop) return recorder_.request_stop();
        if (command == Command::trial) recorder_.clear_stop();
        std::lock_guard lock(mutex_);
        commands_.emplace_back(command, payload);
        arrived_.notify_one();
    }

    const int descriptor_;
    PipeRecorder& recorder_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<std::pair<Command, std::string>> commands_;
};

class Server {
public:
    Server(const WorkerArguments& arguments, const WorkerRuntime& runtime)
        : runtime_(runtime), recorder_(arguments.record_descriptor),
          inbox_(*new Inbox(arguments.command_descriptor, recorder_)) {}  // its thread is never joined

    [[noreturn]] void run() {
        for (;;) {
            auto [command, payload] = inbox_.next();
            if (command == Command::catalogue) load_plugins(decode_catalogue_command(payload));
            if (command == Command::trial) run_one(payload);
        }
    }

private:
    void load_plugins(const CatalogueCommand& command) {
        const auto before = [this](const std::filesystem::path& file) {
            recorder_.post(Record::loading, file.string());
            recorder_.flush();
        };
        const std::vector<std::filesystem::path> folders(command.folders.begin(), command.folders.end());
        if (!plugins_) plugins_.emplace(folders, before, command.skip);
        state_.emplace(state());
        recorder_.post(Record::catalogue, dump({{"catalogue", plugins_->catalogue()}, {"torch", runtime_.torch}}));
    }

    void run_one(const std::string& payload) {
        try {
            const TrialRequest request = decode_trial(payload);
            ticket_ = request.ticket;
            if (!plugins_) throw Error("the worker was given a trial before it was told where plugins are");
            const TrialOutcome outcome = runtime_.run_trial(request, *plugins_, recorder_);
            std::string end;
            put(end, ticket_);
            recorder_.post(outcome == TrialOutcome::done ? Record::done : Record::stopped, end + changes());
        } catch (const std::bad_alloc&) {
            fail("out of memory", true);
        } catch (const std::exception& error) {
            fail(error.what(), says_out_of_memory(error.what()));
        } catch (...) {
            fail("a plugin threw something that is not a std::exception; throw marginalia::Error", false);
        }
    }

    void fail(const std::string& what, bool out_of_memory) {
        std::fprintf(stderr, "%s\n", what.c_str());
        recorder_.post(
            Record::failed,
            dump({{"ticket", ticket_}, {"message", first_sentence(what)}, {"out_of_memory", out_of_memory}}));
    }

    // What is not as it was when the trial before this one ended.
    std::string changes() {
        ProcessState now = state();
        std::string words = state_->changes(now);
        state_ = std::move(now);
        return words;
    }

    ProcessState state() const { return ProcessState(runtime_.settings ? runtime_.settings() : ProcessState::Facts{}); }

    const WorkerRuntime& runtime_;
    std::uint64_t ticket_ = 0;  // of the trial at hand
    PipeRecorder recorder_;
    Inbox& inbox_;
    std::optional<PluginHost> plugins_;
    std::optional<ProcessState> state_;  // when the last trial ended, or the plugins had been loaded
};

}  // namespace

void serve(const WorkerArguments& arguments, const WorkerRuntime& runtime) {
    // Programs that a plugin starts must not hold the pipes open.
    ::fcntl(arguments.command_descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(arguments.record_descriptor, F_SETFD, FD_CLOEXEC);
    Server(arguments, runtime).run();
}

}  // namespace marginalia
