#include "kernel/worker/states/grid_writer.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>

#include "kernel/worker/states/png.h"

namespace marginalia {
namespace {

constexpr std::size_t most_pixels = 100'000'000, most_across = 12'000;
constexpr std::size_t good_size = 112;  // pixels of a picture's longer side
constexpr std::size_t largest_scale = 16, gutter = 3;
constexpr std::size_t most_beside = 16;  // pictures in a row that a given state begins

std::size_t extent(const Layout& layout, std::size_t axis) {
    if (is_picture(layout)) return axis < layout.shape.size() ? static_cast<std::size_t>(layout.shape[axis]) : 1;
    if (layout.shape.size() == 1)
        throw Error(
            fmt::format("a picture needs sites in rows and columns, and these are a sequence of {}; write a "
                        "file that ends in .txt, .csv, .json or .npy",
                        layout.shape[0]));
    throw Error(
        fmt::format("a picture needs sites in rows and columns, and these lie {}; write a file that ends in "
                    ".txt, .csv, .json or .npy",
                    fmt::join(layout.shape, " x ")));
}

std::uint8_t brightness(int symbol, int categories) {
    return static_cast<std::uint8_t>((255 * symbol + (categories - 1) / 2) / (categories - 1));
}

}  // namespace

bool is_picture(const Layout& layout) {
    return layout.shape.size() == 2 || (layout.shape.size() == 3 && layout.shape[2] == 3 && !layout.periodic);
}

// Where pictures lie.
struct GridWriter::Grid {
    std::size_t across = 0, down = 0;  // pictures
    std::size_t scale = 1;             // pixels a site
    std::vector<std::size_t> places;   // of each state: row * across + column
};

GridWriter::GridWriter(const StateLook& look, std::int64_t expected, std::ostream& out)
    : rows_(extent(look.layout, 0)), columns_(extent(look.layout, 1)), channels_(extent(look.layout, 2)),
      categories_(static_cast<int>(look.categories)), out_(out) {
    check(expected);
}

void GridWriter::check(std::int64_t pictures) const {
    const std::size_t each = (rows_ + gutter) * (columns_ + gutter);
    if (static_cast<std::size_t>(pictures) > most_pixels / each)
        throw Error(fmt::format("a picture holds at most {} states of {} x {} sites; draw fewer, or write .npy",
                                most_pixels / each, rows_, columns_));
}

void GridWriter::add(State x) {
    states_.insert(states_.end(), x.begin(), x.end());
    check(static_cast<std::int64_t>(states_.size() / sites()));
}

void GridWriter::given(State x) {
    givens_.push_back(states_.size() / sites());
    add(x);
}

void GridWriter::row(State x, double) { add(x); }

GridWriter::Grid GridWriter::arranged() const {
    Grid grid;
    const std::size_t count = states_.size() / sites();
    if (givens_.empty()) {
        const double stretch = static_cast<double>(rows_ + gutter) / static_cast<double>(columns_ + gutter);
        grid.across = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(count) * stretch)));
        grid.across = std::clamp(grid.across, std::size_t{1}, count);
    } else {
        // Rows as even as can be: 1 + 16 completions are two of nine, not sixteen and one.
        const std::size_t group = (givens_.size() > 1 ? givens_[1] : count) - givens_[0];
        const std::size_t lines = (group + most_beside - 1) / most_beside;
        grid.across = (group + lines - 1) / lines;
    }
    std::size_t place = 0;
    for (std::size_t state = 0, given = 0; state < count; ++state, ++place) {
        if (given < givens_.size() && givens_[given] == state) {
            place = (place + grid.across - 1) / grid.across * grid.across;
            ++given;
        }
        grid.places.push_back(place);
    }
    grid.down = (place + grid.across - 1) / grid.across;
    const std::size_t longer = std::max(rows_, columns_), across = std::max(grid.across * columns_, grid.down * rows_);
    grid.scale = std::clamp(std::min(good_size / longer, most_across / across), std::size_t{1}, largest_scale);
    return grid;
}

// Calls put(place of a pixel in the picture, the place of its first site among all states').
template <class Paint>
void GridWriter::paint(const Grid& grid, std::size_t across, const Paint& put) const {
    const std::size_t height = rows_ * grid.scale, width = columns_ * grid.scale;
    for (std::size_t state = 0; state < grid.places.size(); ++state) {
        const std::size_t top = gutter + grid.places[state] / grid.across * (height + gutter);
        const std::size_t left = gutter + grid.places[state] % grid.across * (width + gutter);
        for (std::size_t y = 0; y < height; ++y)
            for (std::size_t x = 0; x < width; ++x)
                put((top + y) * across + left + x,
                    state * sites() + (y / grid.scale * columns_ + x / grid.scale) * channels_);
    }
}

std::string GridWriter::indexed(const Grid& grid) const {
    IndexedPicture picture;
    picture.width = gutter + grid.across * (columns_ * grid.scale + gutter);
    picture.height = gutter + grid.down * (rows_ * grid.scale + gutter);
    for (int symbol = 0; symbol <= categories_; ++symbol) picture.colours.push_back(colour_of(symbol, categories_));
    // Of 256 colours at most, so that 255 symbols share the last one.
    if (categories_ < 255) picture.colours.push_back(gutter_colour);
    picture.pixels.assign(picture.width * picture.height, static_cast<std::uint8_t>(picture.colours.size() - 1));
    paint(grid, picture.width, [&](std::size_t pixel, std::size_t site) { picture.pixels[pixel] = states_[site]; });
    return png_of(picture);
}

// Channels that are not known are in the middle, so that a pixel without any is grey.
std::string GridWriter::coloured(const Grid& grid) const {
    ColourPicture picture;
    picture.width = gutter + grid.across * (columns_ * grid.scale + gutter);
    picture.height = gutter + grid.down * (rows_ * grid.scale + gutter);
    for (std::size_t pixel = 0; pixel < picture.width * picture.height; ++pixel)
        picture.pixels.insert(picture.pixels.end(), {gutter_colour.red, gutter_colour.green, gutter_colour.blue});
    paint(grid, picture.width, [&](std::size_t pixel, std::size_t site) {
        for (std::size_t c = 0; c < channels_; ++c) {
            const int symbol = states_[site + c];
            picture.pixels[3 * pixel + c] = symbol == categories_ ? 128 : brightness(symbol, categories_);
        }
    });
    return png_of(picture);
}

void GridWriter::finish() {
    if (states_.empty()) throw Error("there are no states to make a picture of; give at least one");
    const std::string bytes = channels_ == 3 ? coloured(arranged()) : indexed(arranged());
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace marginalia
