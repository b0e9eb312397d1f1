#include "kernel/host/verbs/become_worker.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <iostream>

#include "kernel/base/child_process.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/worker_environment.h"

namespace marginalia {

void become_worker(const std::vector<std::string>& arguments) {
    const std::string program = worker_program().string();
    const std::vector<std::string> environment = worker_environment(program);
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::cout.flush();
    ::execve(program.c_str(), exec_pointers(words).data(), exec_pointers(environment).data());
    throw Error(
        fmt::format("cannot start {}; it belongs beside the program, or name it in MARGINALIA_WORKER", program));
}

}  // namespace marginalia
