// How states are written: text, CSV, JSON, arrays, pictures, blocks on a terminal, and files that are whole or not
// there.
#include <doctest/doctest.h>
#include <marginalia/error.h>
#include <marginalia/npy.h>
#include <png.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "kernel/base/colours.h"
#include "kernel/worker/states/blocks.h"
#include "kernel/worker/states/state_writer.h"
#include "kernel/worker/states/svg.h"

using namespace marginalia;
namespace fs = std::filesystem;

namespace {

using Row = std::vector<std::uint8_t>;

StateLook look(std::vector<std::int64_t> shape, std::int64_t categories) {
    return {categories, {std::move(shape), false}, [categories](State x) { return state_text(x, categories); }};
}

struct Given {
    Row state;
};
struct Drawn {
    Row state;
    double log_p = 0;
};

// What a writer makes of these, in order.
template <class... Events>
std::string written(const OutputRequest& output, const StateLook& states, bool completes, const Events&... events) {
    std::ostringstream out;
    const auto writer = make_state_writer(output, states, completes, 0, out);
    const auto take = [&](const auto& event) {
        if constexpr (std::is_same_v<std::decay_t<decltype(event)>, Given>) writer->given(event.state);
        else writer->row(event.state, event.log_p);
    };
    (take(events), ...);
    writer->finish();
    return std::move(out).str();
}

OutputRequest as(StateFormat format, Terminal terminal = {}) { return {format, "", terminal}; }

struct Pixels {
    std::size_t width = 0, height = 0;
    std::vector<std::uint8_t> rgb;
    std::array<int, 3> at(std::size_t x, std::size_t y) const {
        const std::uint8_t* pixel = rgb.data() + 3 * (y * width + x);
        return {pixel[0], pixel[1], pixel[2]};
    }
};

Pixels decoded(const std::string& bytes) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
    image.format = PNG_FORMAT_RGB;
    Pixels pixels{image.width, image.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
    REQUIRE(png_image_finish_read(&image, nullptr, pixels.rgb.data(), 0, nullptr));
    return pixels;
}

std::string failure(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string contents(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A folder of its own, empty.
struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "output-states-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
    }
    fs::path path;
};

constexpr std::array black{0, 0, 0}, white{255, 255, 255}, middle{128, 128, 128};

}  // namespace

TEST_CASE("text, CSV and JSON have a state a line") {
    const StateLook four = look({4}, 2);
    CHECK(written(as(StateFormat::text), four, false, Drawn{{0, 1, 1, 0}}, Drawn{{1, 1, 1, 1}}) == "0110\n1111\n");
    CHECK(written(as(StateFormat::csv), four, false, Drawn{{0, 1, 1, 0}}) == "0,1,1,0\n");
    CHECK(written(as(StateFormat::json), four, false, Drawn{{0, 1, 1, 0}, -2.5}) ==
          "{\"text\": \"0110\", \"states\": [0,1,1,0], \"log_p\": -2.5}\n");
    // A pipe is given the completions alone; JSON says of which state.
    CHECK(written(as(StateFormat::text), four, true, Given{{0, 2, 2, 0}}, Drawn{{0, 1, 1, 0}}) == "0110\n");
    const std::string line =
        written(as(StateFormat::json), look({2}, 12), true, Given{{11, 12}}, Drawn{{11, 3}, -INFINITY});
    CHECK(nlohmann::json::parse(line) ==
          nlohmann::json{{"given", "11,□"}, {"text", "11,3"}, {"states", {11, 3}}, {"log_p", "-Infinity"}});
}

TEST_CASE("log-marginals as CSV and JSON") {
    const auto text = [](StateFormat format, std::int64_t categories) {
        std::ostringstream out;
        const auto writer = make_marginal_writer(format, look({2}, categories), out);
        writer->row(Row{1, static_cast<std::uint8_t>(categories)}, -0.75);
        writer->row(Row{0, 1}, -1e-10);
        writer->finish();
        return std::move(out).str();
    };
    CHECK(text(StateFormat::csv, 2) == "row,log_marginal,state\n0,-0.75,1□\n1,-1e-10,01\n");
    CHECK(text(StateFormat::csv, 11) == "row,log_marginal,state\n0,-0.75,\"1,□\"\n1,-1e-10,\"0,1\"\n");
    CHECK(text(StateFormat::json, 2) ==
          "{\"row\": 0, \"text\": \"1□\", \"log_marginal\": -0.75}\n"
          "{\"row\": 1, \"text\": \"01\", \"log_marginal\": -1e-10}\n");
}

TEST_CASE("arrays are read back as they were") {
    const Folder folder;
    const std::string name = (folder.path / "x.npy").string();
    const auto save = [&](const std::string& bytes) { std::ofstream(name, std::ios::binary) << bytes; };
    save(written(as(StateFormat::npy), look({3}, 5), false, Drawn{{0, 1, 4}}, Drawn{{2, 2, 3}}));
    const auto states = read_npy<std::uint8_t>(name);
    CHECK(states.shape == std::vector<std::int64_t>{2, 3});
    CHECK(states.values == Row{0, 1, 4, 2, 2, 3});
    CHECK(contents(name).size() == 128 + 6);

    std::ostringstream out;
    const auto writer = make_marginal_writer(StateFormat::npy, look({3}, 5), out);
    for (const double value : {-1.0, -0.1, -1e300}) writer->row(Row{0, 0, 0}, value);
    writer->finish();
    save(out.str());
    const auto figures = read_npy<double>(name);
    CHECK(figures.shape == std::vector<std::int64_t>{3});
    CHECK(figures.values == std::vector<double>{-1.0, -0.1, -1e300});
}

TEST_CASE("every symbol has a colour of its own up to ten, and unknown none of theirs") {
    for (int categories = 2; categories <= 10; ++categories) {
        std::set<std::array<int, 3>> colours;
        std::set<int> numbers;
        int darker = -1;
        for (int symbol = 0; symbol <= categories; ++symbol) {
            const Colour colour = colour_of(symbol, categories);
            colours.insert({colour.red, colour.green, colour.blue});
            numbers.insert(colour.terminal);
            const int lightness = 299 * colour.red + 587 * colour.green + 114 * colour.blue;
            if (symbol < categories) CHECK(lightness > darker);
            darker = lightness;
        }
        CHECK(colours.size() == static_cast<std::size_t>(categories) + 1);
        CHECK(numbers.size() == static_cast<std::size_t>(categories) + 1);
    }
    CHECK(colour_of(0, 255).red == 0);
    CHECK(colour_of(254, 255).red == 255);
    CHECK(colour_of(255, 255).red != colour_of(255, 255).green);  // no level of grey
}

TEST_CASE("drawn states are a square grid of pictures in whole pixels") {
    // Four pictures of 2 x 4 sites at 16 pixels a site, with gutters of 3: the grid is two across and two down.
    const Row a{1, 0, 0, 0, 0, 0, 0, 1}, b(8, 1), c(8, 0);
    const Pixels grid =
        decoded(written(as(StateFormat::png), look({2, 4}, 2), false, Drawn{a}, Drawn{b}, Drawn{c}, Drawn{a}));
    CHECK(grid.width == 3 + 2 * (64 + 3));
    CHECK(grid.height == 3 + 2 * (32 + 3));
    const std::array gutter{int{gutter_colour.red}, int{gutter_colour.green}, int{gutter_colour.blue}};
    CHECK(grid.at(2, 2) == gutter);
    CHECK(grid.at(3, 3) == white);    // site (0, 0) of the first
    CHECK(grid.at(18, 18) == white);  // its last pixel
    CHECK(grid.at(19, 18) == black);
    CHECK(grid.at(18, 19) == black);
    CHECK(grid.at(66, 34) == white);  // site (1, 3)
    CHECK(grid.at(67, 34) == gutter);
    CHECK(grid.at(70, 3) == white);  // all of the second
    CHECK(grid.at(133, 34) == white);
    CHECK(grid.at(3, 38) == black);  // all of the third
    CHECK(grid.at(70, 38) == white);
}

TEST_CASE("a given state begins a row of the grid, unknown sites in the middle grey") {
    const Row partial{1, 2}, full{1, 0};
    const Pixels grid = decoded(written(as(StateFormat::png), look({1, 2}, 2), true, Given{partial}, Drawn{full},
                                        Drawn{full}, Given{partial}, Drawn{full}, Drawn{full}));
    CHECK(grid.width == 3 + 3 * (32 + 3));
    CHECK(grid.height == 3 + 2 * (16 + 3));
    for (const std::size_t top : {3, 22}) {
        CHECK(grid.at(3, top) == white);
        CHECK(grid.at(20, top) == middle);
        CHECK(grid.at(38, top) == white);
        CHECK(grid.at(55, top) == black);
    }
}

TEST_CASE("255 symbols and unknown fit into a picture's 256 colours") {
    const Pixels grid = decoded(written(as(StateFormat::png), look({1, 3}, 255), false, Drawn{{0, 254, 255}}));
    CHECK(grid.at(3, 3) == black);
    CHECK(grid.at(19, 3) == white);
    CHECK(grid.at(35, 3) == grid.at(0, 0));
}

TEST_CASE("three channels of a pixel are its red, green and blue, in the middle where they are not known") {
    const Pixels grid = decoded(
        written(as(StateFormat::png), look({1, 2, 3}, 5), false, Drawn{{0, 2, 4, 5, 4, 0}}, Drawn{{1, 1, 1, 5, 5, 5}}));
    CHECK(grid.width == 3 + 2 * (32 + 3));
    CHECK(grid.at(3, 3) == std::array{0, 128, 255});
    CHECK(grid.at(19, 3) == std::array{128, 255, 0});
    CHECK(grid.at(38, 3) == std::array{64, 64, 64});
    CHECK(grid.at(54, 3) == std::array{128, 128, 128});
    CHECK(grid.at(0, 0) == std::array{int{gutter_colour.red}, int{gutter_colour.green}, int{gutter_colour.blue}});
}

TEST_CASE("what cannot be a picture is refused before anything is drawn") {
    std::ostringstream out;
    const auto refused = [&](const StateLook& states, std::int64_t expected) {
        return failure([&] { make_state_writer(as(StateFormat::png), states, false, expected, out); });
    };
    CHECK(refused(look({5}, 2), 1) ==
          "a picture needs sites in rows and columns, and these are a sequence of 5; write a file that ends in .txt, "
          ".csv, .json or .npy");
    CHECK(refused(look({2, 3, 4}, 2), 1) ==
          "a picture needs sites in rows and columns, and these lie 2 x 3 x 4; write a file that ends in .txt, .csv, "
          ".json or .npy");
    CHECK(refused(look({28, 28}, 2), 1'000'000) ==
          "a picture holds at most 104058 states of 28 x 28 sites; draw fewer, or write .npy");
    CHECK(refused(look({28, 28}, 2), 1000) == "");
}

TEST_CASE("blocks: two rows a line, or a pixel two characters wide") {
    const auto drawn = [](std::vector<std::int64_t> shape, std::int64_t categories, bool colour, bool unknowns, Row x) {
        const auto blocks = Blocks::of({std::move(shape), false}, categories, colour, unknowns);
        REQUIRE(blocks);
        return blocks->draw(x);
    };
    using Lines = std::vector<std::string>;
    CHECK(drawn({3, 4}, 2, false, false, {0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0}) == Lines{" ▄▀█", "▀ ▀ "});
    CHECK(drawn({2, 3}, 2, false, true, {0, 1, 2, 2, 1, 0}) == Lines{"  ██▒▒", "▒▒██  "});
    CHECK(drawn({1, 4}, 3, false, true, {0, 1, 2, 3}) == Lines{"  ▒▒██··"});
    // Black over white, white over white, and half a line with nothing below.
    CHECK(drawn({3, 2}, 2, true, false, {0, 1, 1, 1, 1, 1}) ==
          Lines{"\x1b[48;5;255m\x1b[38;5;234m▀ \x1b[0m", "\x1b[38;5;255m▀▀\x1b[0m"});
    CHECK(Blocks::of({{2, 3}, false}, 2, false, true)->columns() == 6);
    CHECK(Blocks::of({{2, 3}, false}, 2, true, true)->columns() == 3);
    CHECK(!Blocks::of({{6}, false}, 2, true, false));
    CHECK(!Blocks::of({{2, 3, 4}, false}, 2, true, false));
    CHECK(!Blocks::of({{2, 3}, false}, 6, false, false));
    CHECK(Blocks::of({{2, 3}, false}, 6, true, false));
}

TEST_CASE("a terminal is shown as many pictures beside each other as it is wide") {
    const StateLook small = look({2, 3}, 2);
    const Row a{1, 1, 1, 0, 0, 0}, b{0, 0, 0, 1, 1, 1};
    const auto at_width = [&](std::size_t columns) {
        return written(as(StateFormat::screen, {columns, false, true}), small, false, Drawn{a}, Drawn{b}, Drawn{a});
    };
    CHECK(at_width(13) == "▀▀▀  ▄▄▄  ▀▀▀\n\n");
    CHECK(at_width(12) == "▀▀▀  ▄▄▄\n\n▀▀▀\n\n");
    CHECK(at_width(3) == "▀▀▀\n\n▄▄▄\n\n▀▀▀\n\n");
    CHECK(at_width(2) == "111000\n000111\n111000\n");  // and a sentence on stderr
    CHECK(written(as(StateFormat::screen, {80, true, false}), small, false, Drawn{a}) == "111000\n");  // no UTF-8
}

TEST_CASE("a terminal is shown the given state, then its completions and their log p") {
    const Terminal narrow{28, false, true};
    CHECK(written(as(StateFormat::screen, narrow), look({1, 3}, 2), true, Given{{1, 2, 2}}, Drawn{{1, 0, 1}, -1.386},
                  Drawn{{1, 1, 1}, -12.5}, Given{{2, 2, 2}}, Drawn{{0, 0, 0}, 0}) ==
          "██▒▒▒▒         ██  ██\n"
          "given          log p -1.39\n\n"
          "██████\n"
          "log p -12.50\n\n"
          "▒▒▒▒▒▒               \n"
          "given          log p 0.00\n\n");
    CHECK(written(as(StateFormat::screen), look({4}, 2), true, Given{{0, 2, 2, 1}}, Drawn{{0, 0, 1, 1}, -1.386},
                  Given{{2, 0, 0, 0}}, Drawn{{1, 0, 0, 0}, -0.5}) ==
          "        given  0□□1\n"
          "  log p -1.39  0011\n"
          "\n"
          "        given  □000\n"
          "  log p -0.50  1000\n");
}

TEST_CASE("what a state stands for is said where it is not its text") {
    StateLook words = look({2}, 3);
    words.identity = [](State x) { return x[0] == 0 ? "" : x[0] == 1 ? state_text(x, 3) : "two"; };
    CHECK(written(as(StateFormat::text), words, false, Drawn{{0, 1}}, Drawn{{1, 1}}, Drawn{{2, 1}}) ==
          "01\n11\n21\ttwo\n");
    const std::string json = written(as(StateFormat::json), words, false, Drawn{{2, 1}}, Drawn{{1, 1}});
    CHECK(json.find("\"text\": \"21\", \"identity\": \"two\"") != json.npos);
    CHECK(json.find("identity", json.find('\n')) == json.npos);
}

TEST_CASE("drawings in a grid") {
    StateLook drawn = look({2}, 3);
    drawn.identity = [](State) { return "C&O"; };
    drawn.picture = [](State x) {
        return x[0] == 0 ? ""
                         : "<?xml version='1.0'?>\n<svg version='1.1'\nwidth='40px' height='30px' "
                           "stroke-width='2'><path d='M 0,0'/></svg>\n";
    };
    const std::string grid = written(as(StateFormat::svg), drawn, false, Drawn{{1, 1}}, Drawn{{0, 1}}, Drawn{{1, 2}});
    CHECK(grid.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"96\""));
    CHECK(grid.find("<?xml") == grid.npos);
    CHECK(grid.find("translate(0 48)") !=
          grid.npos);  // the third begins the second row, below the captions of the first
    CHECK(grid.find("C&amp;O") != grid.npos);
    CHECK_THROWS_WITH_AS(
        written(as(StateFormat::svg), look({2}, 3), false, Drawn{{1, 1}}),
        "states of this kind cannot be drawn; write a file that ends in .txt, .csv, .json, .npy or .png", Error);
    CHECK_THROWS_AS(written(as(StateFormat::svg), drawn, false, Drawn{{0, 1}}), Error);
}

TEST_CASE("a histogram has its values' mean, their density and what was aimed at") {
    Distribution distribution{"logp", "", {}, 4, 0.5};
    for (int i = 0; i < 200; ++i) distribution.values.push_back(3.5 + 0.005 * i);
    const std::string svg = histogram_svg(distribution);
    CHECK(svg.find("logp: 4 ± 0.289 over 200 states; target 4 ± 0.5 (dashed)") != svg.npos);
    std::size_t curves = 0;
    for (std::size_t at = 0; (at = svg.find("<polyline", at)) != svg.npos; ++at) ++curves;
    CHECK(curves == 2);
    distribution.target_deviation = std::numeric_limits<double>::quiet_NaN();
    CHECK(histogram_svg(distribution).find("target") == std::string::npos);
    distribution.values.assign(3, 1.0);  // no spread: bars alone
    CHECK(histogram_svg(distribution).find("<polyline") == std::string::npos);
}
