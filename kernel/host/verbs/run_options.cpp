#include "kernel/host/verbs/run_options.h"

namespace marginalia {

void add_file(CLI::App* verb, RunOptions& options) {
    verb->add_option("file", options.file, "experiment file (TOML)")->required();
    verb->add_option("overrides", options.overrides, "key=value, as train.steps=10 or train.batch=64,128");
}

void add_what_again(CLI::App* verb, RunOptions& options) {
    verb->add_flag("--retry-failed", options.retry_failed,
                   "also run trials that failed, timed out or ran out of memory");
    verb->add_flag("--again", options.again, "also repeat trials whose plugins or input files have changed since");
}

void add_quiet(CLI::App* verb, RunOptions& options) {
    verb->add_flag("-q,--quiet", options.quiet, "no progress and no summary, only failures");
}

RunOptions completed(const Common& common, RunOptions options) {
    options.store = common.store;
    options.store_from = common.store_from;
    options.plugin_paths = common.plugin_paths;
    options.trust = common.trust;
    options.command_line = common.words;
    return options;
}

}  // namespace marginalia
