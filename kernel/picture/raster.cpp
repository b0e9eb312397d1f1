#include "kernel/picture/raster.h"

#include <librsvg/rsvg.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace marginalia {
namespace {

struct ContextDeleter {
    void operator()(cairo_t* context) const { ::cairo_destroy(context); }
};
struct ObjectDeleter {
    void operator()(RsvgHandle* handle) const { ::g_object_unref(handle); }
};
using Context = std::unique_ptr<cairo_t, ContextDeleter>;
using Drawing = std::unique_ptr<RsvgHandle, ObjectDeleter>;

// Takes the error over.
[[noreturn]] void fail(GError* error) {
    std::string words = "the drawing is no SVG document";
    if (error) words += std::string(": ") + error->message;
    ::g_clear_error(&error);
    throw Error(words);
}

Surface white(PixelSize size) {
    Surface surface(::cairo_image_surface_create(CAIRO_FORMAT_RGB24, size.width, size.height));
    if (const auto status = ::cairo_surface_status(surface.get()); status != CAIRO_STATUS_SUCCESS)
        throw Error(std::string("there is no room for the picture: ") + ::cairo_status_to_string(status));
    const Context context(::cairo_create(surface.get()));
    ::cairo_set_source_rgb(context.get(), 1, 1, 1);
    ::cairo_paint(context.get());
    return surface;
}

// Of a document that does not say how large it is: all the room.
Surface drawn(std::string_view svg, PixelSize room) {
    GError* error = nullptr;
    const Drawing drawing(::rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(), &error));
    if (!drawing) fail(error);
    double width = room.width, height = room.height;
    ::rsvg_handle_set_dpi(drawing.get(), 96);
    ::rsvg_handle_get_intrinsic_size_in_pixels(drawing.get(), &width, &height);
    if (!(width > 0) || !(height > 0)) width = room.width, height = room.height;
    const double scale = std::min(room.width / width, room.height / height);
    const PixelSize size{std::clamp(static_cast<int>(std::lround(width * scale)), 1, room.width),
                         std::clamp(static_cast<int>(std::lround(height * scale)), 1, room.height)};
    Surface surface = white(size);
    const Context context(::cairo_create(surface.get()));
    const RsvgRectangle all{0, 0, static_cast<double>(size.width), static_cast<double>(size.height)};
    if (!::rsvg_handle_render_document(drawing.get(), context.get(), &all, &error)) fail(error);
    ::cairo_surface_flush(surface.get());
    return surface;
}

cairo_status_t read_some(void* from, unsigned char* bytes, unsigned int size) {
    auto& left = *static_cast<std::string_view*>(from);
    if (left.size() < size) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(bytes, left.data(), size);
    left.remove_prefix(size);
    return CAIRO_STATUS_SUCCESS;
}

Surface decoded(std::string_view png, PixelSize room) {
    const Surface picture(::cairo_image_surface_create_from_png_stream(read_some, &png));
    if (const auto status = ::cairo_surface_status(picture.get()); status != CAIRO_STATUS_SUCCESS)
        throw Error(std::string("the picture is not a PNG file: ") + ::cairo_status_to_string(status));
    const double width = ::cairo_image_surface_get_width(picture.get());
    const double height = ::cairo_image_surface_get_height(picture.get());
    double scale = std::min(room.width / width, room.height / height);
    if (scale > 1) scale = std::floor(scale);
    const PixelSize size{std::max(1, static_cast<int>(width * scale)), std::max(1, static_cast<int>(height * scale))};
    Surface surface = white(size);
    const Context context(::cairo_create(surface.get()));
    ::cairo_scale(context.get(), size.width / width, size.height / height);
    ::cairo_set_source_surface(context.get(), picture.get(), 0, 0);
    ::cairo_pattern_set_filter(::cairo_get_source(context.get()),
                               scale >= 1 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    ::cairo_paint(context.get());
    ::cairo_surface_flush(surface.get());
    return surface;
}

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int size) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), size);
    return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Surface rasterised(std::string_view document, PixelSize room) {
    return document.starts_with("\x89PNG") ? decoded(document, room) : drawn(document, room);
}

std::string png_of(cairo_surface_t* surface) {
    std::string bytes;
    if (const auto status = ::cairo_surface_write_to_png_stream(surface, append, &bytes);
        status != CAIRO_STATUS_SUCCESS)
        throw Error(std::string("the picture cannot be encoded: ") + ::cairo_status_to_string(status));
    return bytes;
}

}  // namespace marginalia
