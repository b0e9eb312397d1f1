// `logs`: what a trial's worker and plugins have printed.
#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "kernel/base/printable.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"
#include "store/live.h"

namespace marginalia {
namespace {

constexpr auto between_looks = std::chrono::milliseconds(200);

constexpr const char* footer_of_logs =
    R"(What the worker and its plugins write to standard output and error while they have the trial, a Python energy's print
among it. Of all attempts together 64 KiB of the beginning and the newest 192 KiB are kept; a line says what was left out,
and one where another attempt begins. Characters that would act on the terminal are shown as \x1b.

Examples:
  marginalia logs last -f
  marginalia logs 3 -n 20)";

struct LogsOptions {
    std::string trial;
    bool follow = false;
    std::optional<std::int64_t> lines;  // none: all that is kept
};

// Prints whole lines, so that no character is cut in two, and at the end the rest.
class Lines {
public:
    explicit Lines(std::ostream& out) : out_(out) {}

    void add(const std::string& text) {
        waiting_ += text;
        const std::size_t end = waiting_.rfind('\n');
        if (end != waiting_.npos) print(end + 1);
    }
    void end() {
        if (waiting_.empty()) return;
        waiting_ += '\n';
        print(waiting_.size());
    }

private:
    void print(std::size_t bytes) {
        out_ << printable_lines(std::string_view(waiting_).substr(0, bytes), bytes) << std::flush;
        waiting_.erase(0, bytes);
    }

    std::ostream& out_;
    std::string waiting_;
};

bool may_print_more(store::Store& store, store::TrialId trial) {
    const auto found = store.find(trial);
    return found && (found->status == store::Status::running || found->status == store::Status::queued);
}

int logs_verb(const Common& common, const LogsOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::Trial trial = find_trial(store, options.trial);
    bool goes_on = options.follow && may_print_more(store, trial.id);  // asked before the last is read
    if (goes_on && trial.status == store::Status::queued)
        std::cerr << "trial " << trial.id << " is queued; what it prints follows once it runs\n";
    store::LogText log = store::read_log(store, trial.id);
    if (log.text.empty() && !goes_on) std::cerr << "trial " << trial.id << " has printed nothing\n";
    if (options.lines) log.text = store::last_lines(log.text, static_cast<std::size_t>(*options.lines));
    Lines lines(out);
    lines.add(log.text);
    while (goes_on) {
        std::this_thread::sleep_for(between_looks);
        goes_on = may_print_more(store, trial.id);
        log = store::read_log(store, trial.id, log.end);
        lines.add(log.text);
    }
    lines.end();
    return exit_ok;
}

}  // namespace

void add_logs(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "logs", "What a trial's worker and plugins have printed", logs_verb);
    verb->footer(footer_of_logs);
    verb->add_option("trial", options.trial, a_trial)->required()->check(names_a_trial);
    verb->add_flag("-f,--follow", options.follow, "go on until the trial ends");
    verb->add_option("-n,--lines", options.lines, "only its last lines; all that is kept if left out")
        ->check(whole_number(0));
}

}  // namespace marginalia
