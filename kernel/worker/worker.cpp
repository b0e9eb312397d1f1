#include "kernel/worker/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <optional>

#include "kernel/worker/pipe_recorder.h"
#include "kernel/worker/plugins/plugin_host.h"
#include "kernel/worker/process_state.h"

namespace marginalia {
namespace {

constexpr std::size_t most_message = 4000;  // bytes of an error's text that are kept

// The whole text stays in the worker's log.
std::string kept_part(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.size() > most_message)
        text = text.substr(0, most_message) + "... (" + std::to_string(text.size()) + " bytes in all)";
    return text.empty() ? "the trial ended with an exception without a message" : text;
}

constexpr int patience_milliseconds = 100;  // between two looks at a trial that was asked to stop

struct Order {
    Command command;
    std::string payload;
    TrialRequest trial;
};

// Commands as they arrive: `stop` takes effect at once, the others wait for the main thread; a trial once it is whole.
class Inbox {
public:
    // `end_trial` is called from the listening thread once the trial should have stopped.
    Inbox(int descriptor, PipeRecorder& recorder, std::function<void()> end_trial)
        : descriptor_(descriptor), recorder_(recorder), end_trial_(std::move(end_trial)) {
        std::thread([this] { listen(); }).detach();  // lives as long as the process: it blocks in read
    }

    Order next() {
        std::unique_lock lock(mutex_);
        in_trial_ = false;
        trial_over_.notify_one();
        arrived_.wait(lock, [&] { return !orders_.empty(); });
        auto order = std::move(orders_.front());
        orders_.pop_front();
        in_trial_ = order.command == Command::trial;
        return order;
    }

private:
    void listen() {
        FrameReader reader;
        FrameReader::Frame frame;
        do {
            while (reader.next(frame)) take(static_cast<Command>(frame.type), frame.payload);
            wait_for_bytes();
        } while (reader.read_from(descriptor_) > 0);
        if (::fcntl(descriptor_, F_GETFD) < 0) {
            std::fprintf(stderr, "a plugin closed file descriptor %d, which is the host's\n", descriptor_);
            let_trial_end();
            ::_exit(1);
        }
        end_worker_group();  // the host is gone, and with it every reason to go on
    }

    // It may do without further commands, and says at its end what it has changed.
    void let_trial_end() {
        std::unique_lock lock(mutex_);
        trial_over_.wait(lock, [&] { return !in_trial_; });
        lock.unlock();
        recorder_.flush();
    }

    void wait_for_bytes() {
        pollfd entry{descriptor_, POLLIN, 0};
        while (recorder_.stop_requested() && ::poll(&entry, 1, patience_milliseconds) == 0)
            if (recorder_.overdue()) end_trial_();
    }

    void take(Command command, std::string_view payload) {
        if (command == Command::stop) return recorder_.request_stop();
        if (command == Command::trial) {
            recorder_.clear_stop();
            trial_.emplace(payload);
        } else if (command == Command::piece && trial_) {
            trial_->add(payload);
        } else if (command == Command::catalogue) {
            return put({command, std::string(payload), {}});
        }
        if (!trial_ || !trial_->is_whole()) return;
        put({Command::trial, {}, trial_->release()});
        trial_.reset();
    }

    void put(Order order) {
        std::lock_guard lock(mutex_);
        orders_.push_back(std::move(order));
        arrived_.notify_one();
    }

    const int descriptor_;
    PipeRecorder& recorder_;
    const std::function<void()> end_trial_;
    std::mutex mutex_;
    std::condition_variable arrived_, trial_over_;
    bool in_trial_ = false;
    std::deque<Order> orders_;
    std::optional<TrialReceiver> trial_;  // whose archives are on their way; of the listening thread
};

class Server {
public:
    Server(const WorkerArguments& arguments, const WorkerRuntime& runtime)
        : runtime_(runtime), recorder_(arguments.record_descriptor),
          inbox_(*new Inbox(arguments.command_descriptor, recorder_, [this] { end_stopped_trial(); })) {
    }  // its thread is never joined

    [[noreturn]] void run() {
        for (;;) {
            Order order = inbox_.next();
            if (order.command == Command::catalogue) load_plugins(decode_files(order.payload));
            if (order.command == Command::trial) run_one(std::move(order.trial));
        }
    }

private:
    void load_plugins(const std::vector<std::string>& files) {
        const auto before = [this](const std::filesystem::path& file) {
            recorder_.post(RecordType::loading, file.string());
            recorder_.flush();
        };
        plugins_.open({files.begin(), files.end()}, before);
        state_.emplace(state());
        recorder_.post(RecordType::catalogue, encoded(CatalogueAnswer{plugins_.catalogue(), runtime_.torch}));
    }

    void run_one(TrialRequest request) {
        try {
            ticket_ = request.ticket;
            open_ = true;
            const TrialOutcome outcome = runtime_.run_trial(std::move(request), plugins_, recorder_);
            close_trial();
            post_end(record_of(outcome), changes());
        } catch (const std::bad_alloc&) {
            fail("out of memory", {.message = "out of memory", .out_of_memory = true});
        } catch (const std::exception& error) {
            fail(error.what(), {.message = sentence_of(error),
                                .out_of_memory = says_out_of_memory(error.what()),
                                .not_finite = dynamic_cast<const NotFinite*>(&error) != nullptr});
        } catch (...) {
            const std::string what = "a plugin threw something that is not a std::exception; throw marginalia::Error";
            fail(what, {.message = what});
        }
    }

    static RecordType record_of(TrialOutcome outcome) {
        switch (outcome) {
            case TrialOutcome::done: return RecordType::done;
            case TrialOutcome::reached: return RecordType::reached;
            case TrialOutcome::stopped: break;
        }
        return RecordType::stopped;
    }

    void post_end(RecordType type, const std::string& changes) {
        std::string end;
        put(end, ticket_.load());
        recorder_.post(type, end + changes);
    }

    // Only one says how a trial ended: the trial, or who ends it. Whoever comes second has nothing left to do.
    void close_trial() {
        std::fflush(stdout);  // the rest of a line that belongs to this trial
        recorder_.may_be_ended(0);
        while (ticket_ != 0 && !open_.exchange(false)) ::pause();
    }

    // Its newest checkpoint stands; what it was doing may be a plugin's code, which nothing but the end of the process
    // stops.
    void end_stopped_trial() {
        if (!open_.exchange(false)) return;
        post_end(RecordType::stopped, {});
        recorder_.flush();
        ::_exit(0);
    }

    // `whole` goes into the log, the rest to the host.
    void fail(const std::string& whole, TrialFailure failure) {
        close_trial();
        std::fprintf(stderr, "%s\n", whole.c_str());
        failure.ticket = ticket_.load();
        failure.message = kept_part(failure.message);
        recorder_.post(RecordType::failed, encoded(failure));
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
    std::atomic<std::uint64_t> ticket_ = 0;  // of the trial at hand
    std::atomic<bool> open_ = false;         // nobody has said yet how it ended
    PipeRecorder recorder_;
    Inbox& inbox_;
    PluginHost plugins_;
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
