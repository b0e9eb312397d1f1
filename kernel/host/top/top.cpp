#include "kernel/host/top/top.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/signals.h"
#include "kernel/host/top/reader.h"
#include "kernel/host/top/terminal.h"
#include "store/error.h"
#include "store/requests.h"

namespace marginalia::top {
namespace {

using store::Wish;

std::string words_on(store::Store& store, const store::Answer& answer, Wish wish) {
    const std::string trial = fmt::format("trial {}", answer.trial.id);
    if (answer.outcome == store::Outcome::refused)
        return fmt::format("{} is {}, so there is nothing to {}", trial, name_of(answer.before), name_of(wish));
    if (answer.outcome == store::Outcome::asked)
        return fmt::format("{}: its run is asked to {} it, and writes a checkpoint first", trial, name_of(wish));
    if (wish != Wish::retry) return fmt::format("{} is {}", trial, name_of(answer.trial.status));
    if (answer.before == store::Status::running) return trial + " goes on: what was asked of it is withdrawn";
    if (store::is_under_way(store, answer.trial.experiment)) return trial + " is queued again, for the run under way";
    return fmt::format("{} is queued again; `marginalia resume {}` runs it", trial, answer.trial.experiment);
}

class View {
public:
    View(const std::filesystem::path& file, const Options& options) : file_(file) {
        store_.emplace(store::Store::open_to_read(file_));
        choices_.order.experiment = options.experiment;
        choices_.order.metric.name = options.metric;
        choices_.own_metric = !options.metric.empty();
    }

    // Throws Error where the store is not there any more.
    Picture picture(Size size) {
        if (store_->has_moved())
            throw Error(fmt::format("store {} was moved or removed while `top` showed it", file_.string()));
        if (size.width < least_size.width || size.height < least_size.height) return too_small_picture();
        if (choices_.page == Page::help) return help_picture(size);
        if (choices_.page == Page::table) return table_picture(reader_.table(*store_, choices_, size), choices_, size);
        const std::optional<TrialPage> page = reader_.trial(*store_, choices_, size);
        if (page)
            return choices_.page == Page::log ? log_picture(*page, choices_, size)
                                              : trial_picture(*page, choices_, size);
        choices_.page = Page::table;
        return picture(size);
    }

    // false: to be ended.
    bool take(const Key& key) {
        const Action action = press(choices_, key, reader_.shown());
        if (action == Action::quit) return false;
        if (action == Action::cancel) ask(Wish::cancel);
        if (action == Action::pause) ask(Wish::pause);
        if (action == Action::retry) ask(Wish::retry);
        return true;
    }

private:
    // A store that cannot be written now, or at all, is a message: it can be watched all the same. One connection at a
    // time: the process would lose the locks of the one when the other's file is closed.
    void ask(Wish wish) {
        constexpr auto patience = std::chrono::seconds(3);  // with others who write
        store_.reset();
        try {
            store::Store writable = open_store(file_, [=](auto waited) { return waited < patience; });
            choices_.message = words_on(writable, store::ask(writable, choices_.chosen, wish), wish);
        } catch (const store::StoreError& error) {
            choices_.message = error.what();
        }
        store_.emplace(store::Store::open_to_read(file_));
    }

    const std::filesystem::path file_;
    std::optional<store::Store> store_;
    Reader reader_;
    Choices choices_;
};

// The exit code of a signal that ends the process; nullopt: it goes on.
std::optional<int> obey(int signal, Terminal& terminal) {
    if (signal == 0) return std::nullopt;
    if (signal != SIGTSTP) return 128 + signal;
    terminal.leave();
    StopSignals::stop_here();
    return std::nullopt;
}

}  // namespace

int watch(const std::filesystem::path& file, const Options& options) {
    View view(file, options);
    StopSignals signals;
    Terminal terminal;
    while (!terminal.is_gone()) {
        terminal.draw(view.picture(terminal.size()));
        // All keys that have come: a picture of each would be late where one is held down.
        for (Key key = terminal.read(std::chrono::seconds(options.every), signals.descriptor());
             key.kind != Key::Kind::none; key = terminal.read(std::chrono::milliseconds(0), signals.descriptor()))
            if (!view.take(key)) return exit_ok;
        if (const auto code = obey(signals.next(), terminal)) return *code;
    }
    return exit_ok;
}

}  // namespace marginalia::top
