// The program `marginalia`: the host, and every verb that reads results. Links no LibTorch and runs no plugin code.
#include <marginalia/error.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>

#include "kernel/base/printable.h"
#include "kernel/base/standard_output.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/command_line.h"
#include "kernel/spec/experiment.h"
#include "store/error.h"

namespace {

constexpr std::size_t most_said = 100'000;  // bytes of a list of faults

int exit_code(marginalia::store::StoreError::Kind kind) {
    using Kind = marginalia::store::StoreError::Kind;
    if (kind == Kind::no_match) return marginalia::exit_no_match;
    if (kind == Kind::bad_query) return marginalia::exit_usage;
    if (kind == Kind::stopped) return marginalia::exit_interrupted;
    return marginalia::exit_store;
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    std::signal(SIGXFSZ, SIG_IGN);  // over `ulimit -f`, a write fails with an error instead of killing the process
    marginalia::StandardOutput output;
    const auto refuse = [&](const std::string& sentence, int code) {
        // Where standard output is what failed, finish() says so, once.
        if (!output.failed()) std::cout.flush(), std::cerr << "marginalia: " << sentence << '\n';
        return code;
    };
    int code = marginalia::exit_ok;
    try {
        code = marginalia::run_command_line(argc, argv, std::cout);
    } catch (const marginalia::store::StoreError& error) {
        code = refuse(marginalia::printable(error.what()), exit_code(error.kind()));
    } catch (const std::filesystem::filesystem_error& error) {  // what() says what was called, and not in plain words
        code = refuse(marginalia::printable(error.path1().string() + ": " + error.code().message()),
                      marginalia::exit_usage);
    } catch (const std::exception& error) {
        const bool no_plugin = dynamic_cast<const marginalia::MissingPlugin*>(&error) != nullptr;
        const bool unwritten = dynamic_cast<const marginalia::WriteError*>(&error) != nullptr;
        code = refuse(marginalia::printable_lines(error.what(), most_said), no_plugin   ? marginalia::exit_plugin
                                                                            : unwritten ? marginalia::exit_unwritten
                                                                                        : marginalia::exit_usage);
    }
    return output.finish(code, "marginalia");
}
