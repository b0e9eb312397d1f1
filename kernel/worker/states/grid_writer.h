// Many states as one picture.
#pragma once

#include <vector>

#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// Whether states are drawn as pictures: sites in rows and columns, or three to a pixel, its red, green and blue.
bool is_picture(const Layout& layout);

// A grid of pictures in a PNG file: whole pixels, several to a site where the lattice is small, and gutters between.
// Drawn states fill about a square; a given state begins a row of the grid, its completions follow. Holds the states
// until finish().
class GridWriter final : public StateWriter {
public:
    // Throws Error where the layout is no picture's, or where `expected` pictures (0: not known) are more than
    // fit.
    GridWriter(const StateLook& look, std::int64_t expected, std::ostream& out);
    void given(State x) override;
    void row(State x, double) override;  // throws Error once there are more than fit
    void finish() override;

private:
    struct Grid;
    void add(State x);
    void check(std::int64_t pictures) const;
    Grid arranged() const;
    template <class Paint>
    void paint(const Grid& grid, std::size_t across, const Paint& put) const;
    std::string indexed(const Grid& grid) const;
    std::string coloured(const Grid& grid) const;
    std::size_t sites() const { return rows_ * columns_ * channels_; }

    const std::size_t rows_, columns_, channels_;  // of a picture: pixels, and sites of each
    const int categories_;
    std::ostream& out_;
    std::vector<std::uint8_t> states_;
    std::vector<std::size_t> givens_;  // which of the states
};

}  // namespace marginalia
