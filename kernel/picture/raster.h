// Drawings and pictures as pixels, by librsvg and cairo.
#pragma once

#include <cairo.h>

#include <memory>
#include <string>
#include <string_view>

namespace marginalia {

struct SurfaceDeleter {
    void operator()(cairo_surface_t* surface) const { ::cairo_surface_destroy(surface); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceDeleter>;

struct PixelSize {
    int width = 0, height = 0;
};

// An SVG document or a PNG file as pixels on white, as large as fits into `room` with its shape kept; of a PNG file
// each pixel becomes a whole number of them where there is room. Nothing that the document names outside itself is
// read. Throws Error with the libraries' words for bytes that are neither.
Surface rasterised(std::string_view document, PixelSize room);

// The bytes of a PNG file. Throws Error.
std::string png_of(cairo_surface_t* surface);

}  // namespace marginalia
