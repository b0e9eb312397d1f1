// The program marginalia-selfies.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include "tests/plugins/dataset_testing.h"

namespace selfies_command {

using namespace dataset_testing;

namespace {

struct Outcome {
    int code;
    std::string out, words;
};

Outcome run(const std::string& arguments, const std::string& in) {
    const Folder folder;
    const std::string from = folder.write("in", in), out = folder / "out", words = folder / "words";
    const std::string program = "'" MARGINALIA_BINARY_DIR "/bin/marginalia-selfies'";
    const int status = std::system((program + " " + arguments + " < " + from + " > " + out + " 2> " + words).c_str());
    return {WEXITSTATUS(status), bytes_of(out), bytes_of(words)};
}

}  // namespace

TEST_CASE("a line in, a line out") {
    const Outcome encoded = run("encode", "CC=O\r\nc1ccccc1\nCl");
    CHECK(encoded.code == 0);
    CHECK(encoded.out == "[C][C][=O]\n[C][=C][C][=C][C][=C][Ring1][=Branch1]\n[Cl]\n");
    CHECK(encoded.words == "");
    const Outcome decoded = run("decode", encoded.out + "\n");
    CHECK(decoded.code == 0);
    CHECK(decoded.out == "CC=O\nC1=CC=CC=C1\nCl\n\n");
    CHECK(run("encode", "").code == 0);
}

TEST_CASE("refused lines are named and leave an empty line") {
    const Outcome outcome = run("encode", "C\nC1CC\n\nN(C)(C)(C)C\nO\n");
    CHECK(outcome.code == 1);
    CHECK(outcome.out == "[C]\n\n\n\n[O]\n");
    CHECK(outcome.words ==
          "line 2: character 2: ring bond 1 is opened here and never closed\n"
          "line 3: character 1: there is no molecule\n"
          "line 4: character 1: this atom, N, has bonds of order 4 in all, and the constraints let it have 3\n");
    CHECK(run("decode", "CCO\n").words ==
          "line 1: character 1: here a token of a SELFIES, such as [C] or [=Branch1], should be\n");
}

TEST_CASE("constraints by name and one by one") {
    CHECK(run("encode --constraints hypervalent", "O=I(O)O\n").out == "[O][=I][Branch1][C][O][O]\n");
    CHECK(run("decode --set S=2 --set ?=1", "[C][=S][=C]\n").out == "C=S\n");
    CHECK(run("encode --constraints hyper", "").words ==
          "marginalia-selfies: there are no constraints 'hyper'; there are default, octet_rule and hypervalent; --help "
          "says "
          "more\n");
    CHECK(run("encode --set N", "").words ==
          "marginalia-selfies: --set takes ATOM=BONDS, such as N=5, and not 'N'; --help says more\n");
}

TEST_CASE("a wrong command line") {
    const Outcome help = run("--help", "");
    CHECK(help.code == 0);
    CHECK(help.out.starts_with("marginalia-selfies encode|decode"));
    CHECK(run("", "").code == 2);
    CHECK(run("", "").words == "marginalia-selfies: say encode or decode; --help says more\n");
    CHECK(run("code", "").words == "marginalia-selfies: 'code' is neither encode nor decode; --help says more\n");
    CHECK(run("encode file", "").words ==
          "marginalia-selfies: 'file' is not known; strings come from standard input; --help says more\n");
    CHECK(run("encode --set", "").words == "marginalia-selfies: --set needs a value after it; --help says more\n");
}

TEST_CASE("output that cannot be written is said") {
    const int status =
        std::system("echo C | '" MARGINALIA_BINARY_DIR "/bin/marginalia-selfies' encode > /dev/full 2> /dev/null");
    CHECK(WEXITSTATUS(status) == 6);
    const int help = std::system("'" MARGINALIA_BINARY_DIR "/bin/marginalia-selfies' --help > /dev/full 2> /dev/null");
    CHECK(WEXITSTATUS(help) == 6);
}

TEST_CASE("what is refused is shown without its power over a terminal") {
    CHECK(run("encode", "C\x1b[31mC\n").words.find("U+001B") != std::string::npos);
    CHECK(run("encode", "C\x1b[31mC\n").words.find('\x1b') == std::string::npos);
}

}  // namespace selfies_command
