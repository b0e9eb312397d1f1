// What golden tests of verbs share: a folder with the sample store, the real program in it, and files of expectations.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/golden/sample_store.h"

namespace golden {

namespace fs = std::filesystem;

struct Outcome {
    int code;
    std::string text;
};

inline std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

// A folder with the sample store, made once and removed at the end.
class Place {
public:
    Place() {
        std::string name = (fs::temp_directory_path() / "marginalia-golden-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        folder = name;
        marginalia::testing::fill_sample_store(folder / "marginalia.db");
        write(folder / "text.db", "these are words, not a store\n");
        for (const char* variable : {"MARGINALIA_STORE", "MARGINALIA_PLUGIN_PATH", "COLUMNS"}) ::unsetenv(variable);
        ::setenv("TZ", "UTC", 1);
        ::setenv("SOURCE_DATE_EPOCH", std::to_string(marginalia::testing::sample_time + 7200).c_str(), 1);
    }
    ~Place() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    // The program's output, errors among it, and its exit code, as `sh` runs the line in the folder.
    Outcome run(const std::string& line) const {
        const std::string command =
            "cd " + folder.string() + " && PATH=\"" MARGINALIA_BINARY_DIR "/bin:$PATH\" " + line + " 2>&1";
        FILE* pipe = ::popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        Outcome outcome{0, {}};
        std::array<char, 4096> buffer;
        for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
            outcome.text.append(buffer.data(), got);
        const int status = ::pclose(pipe);
        outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return outcome;
    }

    fs::path folder;
};

inline const Place& place() {
    static const Place made;
    return made;
}

// A file of expectations: for each line "$ COMMAND" what it printed, then "[CODE]".
inline void compare_with(const std::string& name, const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        const Outcome outcome = place().run(line);
        text += "$ " + line + "\n" + outcome.text + "[" + std::to_string(outcome.code) + "]\n\n";
    }
    const fs::path file = fs::path(MARGINALIA_SOURCE_DIR) / "tests/golden" / (name + ".expected");
    if (std::getenv("MARGINALIA_UPDATE_GOLDEN")) write(file, text);
    CHECK_MESSAGE(text == read(file), name << " printed:\n" << text);
}

}  // namespace golden
