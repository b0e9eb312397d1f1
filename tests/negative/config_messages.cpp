// Every broken file of tests/negative/toml must be refused with exactly the sentences beside it. Lines that begin with
// "# override: " at the top of a file are given as overrides. Run with MARGINALIA_GOLDEN=write to write the sentences
// anew after a change of wording, and read the difference.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;
namespace fs = std::filesystem;

static std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

static std::vector<std::string> overrides_in(const std::string& text) {
    const std::string mark = "# override: ";
    std::vector<std::string> overrides;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line) && line.starts_with(mark);)
        overrides.push_back(line.substr(mark.size()));
    return overrides;
}

static std::string message_of(const fs::path& path) {
    const std::string text = contents(path);
    try {
        parse_experiment(text, path.filename(), overrides_in(text), fake_catalogue());
    } catch (const Error& error) {
        return std::string(error.what()) + "\n";
    }
    return "no fault was found\n";
}

TEST_CASE("broken experiment files") {
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(fs::path(MARGINALIA_SOURCE_DIR) / "tests/negative/toml"))
        if (entry.path().extension() == ".toml") files.insert(entry.path());
    CHECK(files.size() >= 30);
    const char* golden = std::getenv("MARGINALIA_GOLDEN");
    for (const fs::path& file : files) {
        INFO(file.filename().string());
        const std::string message = message_of(file);
        CHECK(message != "no fault was found\n");
        fs::path expected = file;
        expected.replace_extension(".expected");
        if (golden && std::string(golden) == "write") std::ofstream(expected, std::ios::binary) << message;
        CHECK(message == contents(expected));
    }
}
