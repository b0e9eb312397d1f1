// docs/exit-codes.md, --help and the manual page say what the program's table of exit codes says.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/command_line.h"

using namespace marginalia;

namespace {

std::vector<std::string> rows_of_page() {
    std::ifstream page(MARGINALIA_SOURCE_DIR "/docs/exit-codes.md");
    std::vector<std::string> rows;
    for (std::string line; std::getline(page, line);)
        if (line.starts_with("| ") && line[2] >= '0' && line[2] <= '9')
            rows.push_back(line.substr(0, line.find(" | ", line.find(" | ") + 3)));
    return rows;
}

std::string said(std::vector<const char*> words) {
    std::ostringstream out;
    words.insert(words.begin(), "marginalia");
    CHECK(run_command_line(static_cast<int>(words.size()), const_cast<char**>(words.data()), out) == exit_ok);
    std::string text = out.str(), joined;
    for (const char c : text)  // lines may be broken anywhere
        if (c != ' ' && c != '\n' && c != '\\') joined += c;
    return joined;
}

std::string without_blanks(std::string text) {
    std::erase(text, ' ');
    return text;
}

}  // namespace

TEST_CASE("the page of exit codes has the program's table") {
    std::vector<std::string> expected;
    for (const auto& [code, meaning] : exit_codes) expected.push_back("| " + std::to_string(code) + " | " + meaning);
    CHECK(rows_of_page() == expected);
}

TEST_CASE("--help and the manual page have the program's table of exit codes") {
    const std::string help = said({"--help"}), manual = said({"__manual"});
    std::size_t in_help = help.find("Exitcodes:"), in_manual = manual.find(".SHEXITSTATUS");
    for (const auto& [code, meaning] : exit_codes) {
        const std::string number = std::to_string(code), words = without_blanks(meaning);
        in_help = help.find(number + words, in_help);
        in_manual = manual.find(".TPfB" + number + "fR" + words, in_manual);
        CHECK_MESSAGE(in_help != help.npos, "--help lacks " << code);
        CHECK_MESSAGE(in_manual != manual.npos, "the manual lacks " << code);
    }
}
