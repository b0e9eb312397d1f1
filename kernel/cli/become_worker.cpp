#include "kernel/cli/become_worker.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "kernel/schedule/catalogue.h"

namespace marginalia {

void become_worker(const std::vector<std::string>& arguments) {
    const std::string program = worker_program().string();
    std::vector<const char*> words = {program.c_str()};
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    words.push_back(nullptr);
    std::cout.flush();
    ::setenv("OMP_WAIT_POLICY", "passive", 0);  // as for trials, where kernel/schedule/worker_process.cpp says why
    ::execv(program.c_str(), const_cast<char* const*>(words.data()));
    throw Error(
        fmt::format("cannot start {}; it belongs beside the program, or name it in MARGINALIA_WORKER", program));
}

}  // namespace marginalia
