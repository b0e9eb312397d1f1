// The program `marginalia-selfies`: SMILES to SELFIES and back, a line at a time.
#include <cerrno>
#include <charconv>
#include <csignal>
#include <iostream>
#include <span>
#include <system_error>

#include "plugins/molecules/selfies.h"

namespace {

namespace molecules = marginalia::molecules;
using marginalia::Error;

constexpr int exit_refused = 1, exit_usage = 2, exit_unwritten = 6;

constexpr const char* help =
    R"(marginalia-selfies encode|decode [--constraints NAME] [--set ATOM=BONDS]...

encode: reads SMILES, writes SELFIES. decode: reads SELFIES, writes SMILES.
One string a line from standard input, one a line to standard output. A line that is refused gives an empty line, and
its number and what is wrong with it on standard error.

  --constraints NAME  how many bonds atoms may have: default, octet_rule or hypervalent
  --set ATOM=BONDS    one of them changed, such as N=5, Fe+2=4, or ?=6 for all atoms not listed
  --help              this text

Exit codes: 0; 1 where a line was refused; 2 for a wrong command line; 6 where the output could not be written.
)";

struct Unwritten {
    int error;
};

// A reader that has gone ends the program quietly, also where SIGPIPE is ignored.
void check(std::ostream& out) {
    if (out) return;
    const int error = errno;
    if (error != EPIPE) throw Unwritten{error};
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
}

// SMILES and SELFIES are ASCII: what is not, or steers a terminal, is shown as its bytes.
std::string harmless(std::string_view text) {
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F) shown += c;
        else (shown += "\\x") += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    }
    return shown;
}

struct Command {
    bool decode = false, help = false;
    molecules::Constraints constraints = molecules::default_constraints();
};

void set_constraint(molecules::Constraints& constraints, std::string_view word) {
    const std::size_t equals = word.rfind('=');
    int bonds = 0;
    const std::string_view number = equals == word.npos ? "" : word.substr(equals + 1);
    const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), bonds);
    if (number.empty() || failed != std::errc() || end != number.data() + number.size())
        throw Error("--set takes ATOM=BONDS, such as N=5, and not '" + std::string(word) + "'");
    constraints.set(word.substr(0, equals), bonds);
}

Command read_command(std::span<char*> words) {
    Command command;
    if (words.empty()) throw Error("say encode or decode");
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        const auto value = [&]() -> std::string_view {
            if (++i == words.size()) throw Error(std::string(word) + " needs a value after it");
            return words[i];
        };
        if (word == "--help" || word == "-h") command.help = true;
        else if (i == 0 && (word == "encode" || word == "decode")) command.decode = word == "decode";
        else if (i == 0) throw Error("'" + std::string(word) + "' is neither encode nor decode");
        else if (word == "--constraints") command.constraints = molecules::Constraints::preset(value());
        else if (word == "--set") set_constraint(command.constraints, value());
        else throw Error("'" + std::string(word) + "' is not known; strings come from standard input");
    }
    return command;
}

// Returns how many lines were refused.
std::size_t translate(const Command& command, std::istream& in, std::ostream& out, std::ostream& words) {
    std::size_t number = 0, refused = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.ends_with('\r')) line.pop_back();
        try {
            out << (command.decode ? molecules::decode(line, command.constraints)
                                   : molecules::encode(line, command.constraints));
        } catch (const molecules::MoleculeError& error) {
            words << "line " << number << ": " << harmless(error.what()) << '\n';
            ++refused;
        }
        check(out << '\n');
    }
    check(out.flush());
    return refused;
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    int failure = exit_usage;
    try {
        const Command command = read_command(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
        if (command.help) {
            check(std::cout << help << std::flush);
            return 0;
        }
        failure = exit_refused;
        return translate(command, std::cin, std::cout, std::cerr) > 0 ? exit_refused : 0;
    } catch (const Unwritten& unwritten) {
        std::cerr << "marginalia-selfies: standard output cannot be written: "
                  << std::generic_category().message(unwritten.error) << '\n';
        return exit_unwritten;
    } catch (const std::exception& error) {
        std::cerr << "marginalia-selfies: " << harmless(error.what())
                  << (failure == exit_usage ? "; --help says more\n" : "\n");
        return failure;
    }
}
