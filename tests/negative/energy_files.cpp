#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/plugins/energy_plugin.h"

namespace {

std::string first_line(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// Every .txt file of a folder is refused with the sentence beside it in .expected. Returns how many there are.
int check_folder(const std::string& format, const std::string& plugin) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(MARGINALIA_SOURCE_DIR "/tests/negative/" + format)) {
        if (entry.path().extension() != ".txt") continue;
        CAPTURE(entry.path());
        const std::string expected = first_line(std::filesystem::path(entry.path()).replace_extension(".expected"));
        CHECK(energy_plugin::refusal(plugin, {{"file", entry.path().string()}}) == entry.path().string() + expected);
        ++files;
    }
    return files;
}

std::string evidence_refusal(const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() / "marginalia_refused.evid";
    std::ofstream(path) << text;
    const std::string message = energy_plugin::refusal(
        "uai", {{"file", MARGINALIA_SOURCE_DIR "/plugins/energies/uai/example.uai"}, {"evidence", path.string()}});
    return message.starts_with(path.string()) ? message.substr(path.string().size()) : message;
}

}  // namespace

TEST_CASE("malformed UAI files are refused with line, column and reason") { CHECK(check_folder("uai", "uai") >= 10); }

TEST_CASE("malformed graphs are refused with line, column and reason") { CHECK(check_folder("gset", "qubo") >= 8); }

TEST_CASE("malformed evidence is refused with line, column and reason") {
    CHECK(evidence_refusal("") == ":1:1: the file ends where the number of observed variables should be");
    CHECK(evidence_refusal("5 0 0\n") == ":1:1: the number of observed variables is 5; it must be from 0 to 4");
    CHECK(evidence_refusal("1 4 0\n") == ":1:3: an observed variable is 4; it must be from 0 to 3");
    CHECK(evidence_refusal("1 0 2\n") == ":1:5: the value of variable 0 is 2; it must be from 0 to 1");
    CHECK(evidence_refusal("2 0 1\n0 1\n") ==
          ": it holds 2 samples of evidence (UAI 2008 and 2010); give a file of one of them");
    CHECK(evidence_refusal("1 0 1 3 1\n") == ":1:7: '3' is left over; the file should end before it");
}

TEST_CASE("a missing file is refused by name") {
    CHECK(energy_plugin::refusal("uai", {{"file", "/no/such.uai"}}) ==
          "/no/such.uai: cannot be read: No such file or directory; give the path of a readable file");
    CHECK(energy_plugin::refusal("qubo", {{"file", "/no/such.txt"}}) ==
          "/no/such.txt: cannot be read: No such file or directory; give the path of a readable file");
}

TEST_CASE("a diagonal entry is a self-loop of a cut and right in a QUBO") {
    const std::string file = MARGINALIA_SOURCE_DIR "/tests/negative/gset/self_loop.txt";
    CHECK(energy_plugin::refusal("qubo", {{"file", file}, {"problem", "qubo"}}) == "");
}
