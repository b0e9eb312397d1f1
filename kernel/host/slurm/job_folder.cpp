#include "kernel/host/slurm/job_folder.h"

#include <marginalia/error.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "kernel/base/output_file.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t most_bytes = 1 << 20;  // of job.json

fs::path folder_beside(const fs::path& store) { return fs::absolute(store).string() + ".slurm"; }

// "7-2.db" -> 2 for task 7; -1: another task's, or none.
std::int64_t start_of(const std::string& name, std::int64_t task) {
    const std::string front = std::to_string(task) + "-";
    if (!name.starts_with(front) || !name.ends_with(".db")) return -1;
    std::int64_t start = -1;
    const char* end = name.data() + name.size() - 3;
    const auto [stop, error] = std::from_chars(name.data() + front.size(), end, start);
    return error == std::errc() && stop == end ? start : -1;
}

}  // namespace

JobFolder JobFolder::make(const fs::path& store, const std::string& experiment) {
    const fs::path above = folder_beside(store);
    std::error_code error;
    for (int number = 1;; ++number) {
        const fs::path folder = above / (experiment + "-" + std::to_string(number));
        fs::create_directories(above, error);
        const bool made = !error && fs::create_directory(folder, error);
        if (error) throw Error("the folder " + folder.string() + " for the job cannot be made: " + error.message());
        if (!made) continue;
        for (const char* part : {"tasks", "out", "log"}) fs::create_directory(folder / part);
        return JobFolder(folder);
    }
}

std::vector<JobFolder> JobFolder::beside(const fs::path& store) {
    std::vector<fs::path> paths;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_beside(store), error)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return {paths.begin(), paths.end()};
}

fs::path JobFolder::first_store(std::int64_t task) const { return folder_ / "tasks" / (std::to_string(task) + ".db"); }

fs::path JobFolder::handed_over(std::int64_t task, std::int64_t start) const {
    return folder_ / "out" / (std::to_string(task) + "-" + std::to_string(start) + ".db");
}

std::optional<fs::path> JobFolder::newest(std::int64_t task) const {
    std::int64_t newest = -1;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ / "out", error))
        newest = std::max(newest, start_of(entry.path().filename().string(), task));
    return newest < 0 ? std::nullopt : std::optional(handed_over(task, newest));
}

void JobFolder::drop_before(std::int64_t task, std::int64_t start) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ / "out", error)) {
        const auto found = start_of(entry.path().filename().string(), task);
        if (found >= 0 && found < start) fs::remove(entry.path(), error);
    }
}

std::optional<JobFacts> JobFolder::facts() const {
    const fs::path file = folder_ / "job.json";
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(file, error);
    if (error) return std::nullopt;
    const auto json = bytes > most_bytes ? nlohmann::json()
                                         : nlohmann::json::parse(std::ifstream(file), nullptr, /*exceptions*/ false);
    try {
        return json.get<JobFacts>();
    } catch (const nlohmann::json::exception&) {
        throw Error(file.string() + " does not say what the job is; take the folder away if it belongs to no job");
    }
}

void JobFolder::write_facts(const JobFacts& facts) const {
    OutputFile file(folder_ / "job.json");
    file.stream() << nlohmann::json(facts).dump(2) << "\n";
    file.commit();
}

}  // namespace marginalia
