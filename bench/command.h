// A command of marginalia as a person waits for it: a new process, its output, its end.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

struct Spent {
    double wall = 0, cpu = 0;  // seconds; cpu: of all its processes, in user and system mode
    Spent operator-(const Spent& other) const { return {wall - other.wall, cpu - other.cpu}; }
    Spent operator/(double count) const { return {wall / count, cpu / count}; }
};

inline double cpu_of(const rusage& used) {
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Of work in this process.
Spent spent_by(const auto& work) {
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto began = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    ::getrusage(RUSAGE_SELF, &after);
    return {wall.count(), cpu_of(after) - cpu_of(before)};
}

// Its output goes nowhere. Throws where it fails.
inline Spent run_command(const char* program, std::vector<std::string> words) {
    words.insert(words.begin(), program);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int status = -1;
    rusage used{};
    const auto began = std::chrono::steady_clock::now();
    pid_t child = 0;
    if (posix_spawn(&child, program, &actions, nullptr, arguments.data(), environ) == 0)
        ::wait4(child, &status, 0, &used);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0) throw std::runtime_error("`" + words[0] + " " + words[1] + "` failed");
    return {wall.count(), cpu_of(used)};
}
