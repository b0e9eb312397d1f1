#include "kernel/host/verbs/become_worker.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/worker_environment.h"

namespace marginalia {

void become_worker(const std::vector<std::string>& arguments) {
    const std::string program = worker_program().string();
    std::vector<const char*> words = {program.c_str()};
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    words.push_back(nullptr);
    std::cout.flush();
    for (const WorkerSetting& setting : worker_settings())
        if (left_to_us(setting)) ::setenv(setting.name, setting.value, 1);
    ::execv(program.c_str(), const_cast<char* const*>(words.data()));
    throw Error(
        fmt::format("cannot start {}; it belongs beside the program, or name it in MARGINALIA_WORKER", program));
}

}  // namespace marginalia
