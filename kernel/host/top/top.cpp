#include "kernel/host/top/top.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/signals.h"
#include "kernel/host/top/reader.h"
#include "kernel/host/top/terminal.h"

namespace marginalia::top {
namespace {

class View {
public:
    View(store::Store& store, const Options& options) : store_(store), reader_(store) {
        choices_.order.experiment = options.experiment;
        choices_.order.metric.name = options.metric;
        choices_.own_metric = !options.metric.empty();
    }

    Picture picture(Size size) {
        if (size.width < least_size.width || size.height < least_size.height) return too_small_picture();
        if (choices_.page == Page::help) return help_picture(size);
        if (choices_.page == Page::table) return table_picture(reader_.table(choices_, size), choices_, size);
        const std::optional<TrialPage> page = reader_.trial(choices_, size);
        if (page)
            return choices_.page == Page::log ? log_picture(*page, choices_, size)
                                              : trial_picture(*page, choices_, size);
        choices_.page = Page::table;
        return picture(size);
    }

    // false: to be ended.
    bool take(const Key& key) {
        const Action action = press(choices_, key, reader_.shown());
        return action != Action::quit;
    }

private:
    store::Store& store_;
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
    store::Store store = store::Store::open_to_read(file);
    StopSignals signals;
    Terminal terminal;
    View view(store, options);
    while (!terminal.is_gone()) {
        if (store.has_moved())
            throw Error(fmt::format("store {} was moved or removed while `top` showed it", file.string()));
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
