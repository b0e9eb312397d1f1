// The program `marginalia`: the host, and every verb that reads results. Links no LibTorch and runs no plugin code.
#include <marginalia/error.h>

#include <csignal>
#include <filesystem>
#include <iostream>

#include "kernel/cli/command_line.h"
#include "kernel/cli/exit_codes.h"
#include "kernel/config/experiment.h"
#include "store/error.h"

namespace {

int exit_code(marginalia::store::StoreError::Kind kind) {
    using Kind = marginalia::store::StoreError::Kind;
    if (kind == Kind::no_match) return marginalia::exit_no_match;
    if (kind == Kind::bad_query) return marginalia::exit_usage;
    return marginalia::exit_store;
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    std::signal(SIGXFSZ, SIG_IGN);  // over `ulimit -f`, the writing that fails is told and not the process killed
    try {
        return marginalia::run_command_line(argc, argv, std::cout);
    } catch (const marginalia::store::StoreError& error) {
        std::cout.flush();
        std::cerr << "marginalia: " << error.what() << '\n';
        return exit_code(error.kind());
    } catch (const marginalia::MissingPlugin& error) {
        std::cout.flush();
        std::cerr << "marginalia: " << error.what() << '\n';
        return marginalia::exit_plugin;
    } catch (const std::filesystem::filesystem_error& error) {  // what() says what was called, and not in plain words
        std::cout.flush();
        std::cerr << "marginalia: " << error.path1().string() << ": " << error.code().message() << '\n';
        return marginalia::exit_usage;
    } catch (const std::exception& error) {
        std::cout.flush();
        std::cerr << "marginalia: " << error.what() << '\n';
        return marginalia::exit_usage;
    }
}
