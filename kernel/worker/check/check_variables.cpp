#include "kernel/worker/check/variables_checks.h"

#include <marginalia/error.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernel/worker/check/guarded.h"

namespace marginalia {
namespace {

// parse() into a buffer whose surroundings are looked at afterwards.
std::vector<std::uint8_t> guarded_parse(const Variables& object, const std::string& line) {
    Guarded<std::uint8_t> buffer(static_cast<std::size_t>(object.sites()), 0xAB);
    const std::string of = "parse() of '" + shortened(line) + "'";
    try {
        object.parse(line, buffer.span());
    } catch (...) {
        buffer.expect_intact(of);
        throw;
    }
    buffer.expect_intact(of);
    return buffer.values();
}

std::string check_one_line(const Variables& object, const StateTable& states) {
    for (std::size_t row = 0; row < states.size(); ++row) {
        const std::string line = object.text(states[row]);
        expect(!line.empty(), "text() of a state is empty; return one line");
        expect(line.find('\n') == std::string::npos, "text() of a state has a line break; return one line");
    }
    return shortened(object.text(states[0]));
}

std::string check_text_inverse(const Variables& object, const StateTable& states) {
    for (std::size_t row = 0; row < states.size(); ++row) {
        const std::string line = object.text(states[row]),
                          of = "parse() of '" + shortened(line) + "', which text() wrote, ";
        std::vector<std::uint8_t> back;
        try {
            back = guarded_parse(object, line);
        } catch (const std::exception& error) {
            throw Error(of + "is refused: " + error.what() + "; override both text() and parse(), or neither");
        }
        const auto [here, there] = std::mismatch(back.begin(), back.end(), states[row].begin());
        if (here == back.end()) continue;
        throw Error(of + "has " + std::to_string(*here) + " at site " + std::to_string(here - back.begin()) +
                    " where the state has " + std::to_string(*there) + " (□ is " + std::to_string(object.categories()) +
                    "); make parse() the inverse of text(), or override neither");
    }
    return std::to_string(states.size()) + " full and partial states";
}

std::string check_text_refusals(const Variables& object) {
    // Of the last symbol, so that no padding is left out of the line.
    const std::vector<std::uint8_t> state(static_cast<std::size_t>(object.sites()),
                                          static_cast<std::uint8_t>(object.categories() - 1));
    const std::string line = object.text(state);
    const std::vector<std::pair<const char*, std::string>> wrong = {
        {"an empty line", ""},
        {"a state written twice", line + line},
        {"a character that is not a symbol", "\x01" + line}};
    for (const auto& [what, text] : wrong) {
        const std::string of = std::string("parse() of ") + what;
        try {
            guarded_parse(object, text);
        } catch (const Error& error) {
            expect(*error.what() != '\0', of + " throws an empty Error; say what is wrong and where");
            expect(std::string(error.what()).find("outside its output") == std::string::npos, error.what());
            continue;
        } catch (const std::exception& error) {
            throw Error(of + " throws something other than marginalia::Error (" + error.what() +
                        "); throw Error with a sentence");
        }
        throw Error(of + " is accepted silently; throw Error naming the position of what is wrong");
    }
    return "an empty line, twice the sites, no symbol";
}

}  // namespace

void check_texts(const Variables& object, const StateTable& full, const StateTable& partial, Checker& checker) {
    StateTable states = full;
    states.bytes.insert(states.bytes.end(), partial.bytes.begin(), partial.bytes.end());
    if (!checker.run("a state prints as one line", [&] { return check_one_line(object, states); })) return;
    checker.run("parse() is the inverse of text()", [&] { return check_text_inverse(object, states); });
    checker.run("parse() refuses what is no state", [&] { return check_text_refusals(object); });
}

std::string check_layout(const Variables& object) {
    const Layout layout = object.layout();
    std::int64_t product = 1;
    for (const std::int64_t extent : layout.shape) product *= extent;
    expect(!layout.shape.empty() && product == object.sites(),
           "the layout's extents multiply to " + std::to_string(product) + ", not to the " +
               std::to_string(object.sites()) + " sites; make layout().shape multiply to the sites");
    return std::to_string(object.sites()) + " sites of " + std::to_string(object.categories()) + " categories";
}

}  // namespace marginalia
