// The acting verbs without the rest of the command line: what the tests of scheduling start, kill and start again.
//   fake_host run|plan|resume|tell|plugins [FILE|EXPERIMENT] [--store FILE] [--plugin-path FOLDER]... [--retry-failed]
//             [--patience LOADING:RECORD:END] [--hook-patience MILLISECONDS] [key=value]...
#include <marginalia/error.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/run.h"
#include "store/error.h"

namespace {

using namespace marginalia;

int list_plugins(const RunOptions& options) {
    const PluginCatalogue catalogue = fetch_catalogue(plugin_folders(options.plugin_paths), options.patience);
    for (const auto& plugin : catalogue.plugins) std::cout << plugin.kind << " " << plugin.name << "\n";
    for (const auto& failure : catalogue.failures) std::cout << failure.path << ": " << failure.reason << "\n";
    return 0;
}

// "3000:500:500": milliseconds for loading, the rest of a record, and the end after a pipe was closed.
WorkerPatience patience_of(const char* text) {
    int loading = 0, record = 0, end = 0;
    if (std::sscanf(text, "%d:%d:%d", &loading, &record, &end) != 3) throw Error("--patience LOADING:RECORD:END");
    using std::chrono::milliseconds;
    return {milliseconds(loading), milliseconds(record), milliseconds(end)};
}

int act(int argc, char** argv) {
    const std::string_view verb = argc > 1 ? argv[1] : "";
    RunOptions options;
    for (int i = 0; i < argc; ++i) options.command_line.emplace_back(argv[i]);
    for (int i = 2; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--store" && i + 1 < argc) options.store = argv[++i];
        else if (word == "--plugin-path" && i + 1 < argc) options.plugin_paths.emplace_back(argv[++i]);
        else if (word == "--patience" && i + 1 < argc) options.patience = patience_of(argv[++i]);
        else if (word == "--hook-patience" && i + 1 < argc)
            options.hook_patience = std::chrono::milliseconds(std::atoi(argv[++i]));
        else if (word == "--retry-failed") options.retry_failed = true;
        else if (word.find('=') != std::string_view::npos) options.overrides.emplace_back(word);
        else options.file = options.experiment = word;
    }
    if (verb == "run") return run_verb(options, std::cout);
    if (verb == "plan") return plan_verb(options, std::cout);
    if (verb == "resume") return resume_verb(options, std::cout);
    if (verb == "tell") return tell_verb(options, STDIN_FILENO, STDOUT_FILENO);
    if (verb == "plugins") return list_plugins(options);
    std::cerr << "fake_host run|plan|resume|tell|plugins ...\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return act(argc, argv);
    } catch (const store::StoreError& error) {
        std::cerr << "fake_host: " << error.what() << "\n";
        return exit_store;
    } catch (const std::exception& error) {
        std::cerr << "fake_host: " << error.what() << "\n";
        return 2;
    }
}
