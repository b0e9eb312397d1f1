#include "kernel/picture/terminal_codes.h"

#include <chafa.h>
#include <marginalia/error.h>

#include <iterator>
#include <memory>

namespace marginalia {
namespace {

struct Way {
    const char* name;
    ChafaPixelMode mode;
    ChafaTermSeq begins;
};
constexpr Way ways[] = {{"kitty", CHAFA_PIXEL_MODE_KITTY, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1},
                        {"iterm", CHAFA_PIXEL_MODE_ITERM2, CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE},
                        {"sixel", CHAFA_PIXEL_MODE_SIXELS, CHAFA_TERM_SEQ_BEGIN_SIXELS}};

struct Unref {
    void operator()(ChafaTermInfo* info) const { ::chafa_term_info_unref(info); }
    void operator()(ChafaCanvasConfig* config) const { ::chafa_canvas_config_unref(config); }
    void operator()(ChafaCanvas* canvas) const { ::chafa_canvas_unref(canvas); }
};
template <class T>
using Ref = std::unique_ptr<T, Unref>;

Ref<ChafaCanvasConfig> config_for(ChafaPixelMode mode, int columns, int rows, CellSize cell) {
    Ref<ChafaCanvasConfig> config(::chafa_canvas_config_new());
    ::chafa_canvas_config_set_geometry(config.get(), columns, rows);
    ::chafa_canvas_config_set_cell_geometry(config.get(), cell.width, cell.height);
    ::chafa_canvas_config_set_pixel_mode(config.get(), mode);
    // A palette made for the picture would merge what is rare in it, and thin lines are.
    ::chafa_canvas_config_set_canvas_mode(
        config.get(), mode == CHAFA_PIXEL_MODE_SIXELS ? CHAFA_CANVAS_MODE_INDEXED_256 : CHAFA_CANVAS_MODE_TRUECOLOR);
    ::chafa_canvas_config_set_dither_mode(config.get(), CHAFA_DITHER_MODE_NONE);
    ::chafa_canvas_config_set_preprocessing_enabled(config.get(), FALSE);
    ::chafa_canvas_config_set_work_factor(config.get(), 1);
    return config;
}

// Whole cells of white with the picture in their upper left: chafa would stretch it over them.
struct Padded {
    Padded(cairo_surface_t* picture, int width, int height)
        : surface(::cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)), context(::cairo_create(surface)) {
        ::cairo_set_source_rgb(context, 1, 1, 1);
        ::cairo_paint(context);
        ::cairo_set_source_surface(context, picture, 0, 0);
        ::cairo_paint(context);
        ::cairo_surface_flush(surface);
    }
    ~Padded() {
        ::cairo_destroy(context);
        ::cairo_surface_destroy(surface);
    }
    Padded(const Padded&) = delete;
    Padded& operator=(const Padded&) = delete;

    cairo_surface_t* const surface;
    cairo_t* const context;
};

}  // namespace

std::string detected_codes() {
    gchar** environment = ::g_get_environ();
    const Ref<ChafaTermInfo> terminal(::chafa_term_db_detect(::chafa_term_db_get_default(), environment));
    ::g_strfreev(environment);
    for (const Way& way : ways)
        if (::chafa_term_info_have_seq(terminal.get(), way.begins)) return way.name;
    return "none";
}

std::string terminal_codes(cairo_surface_t* picture, const std::string& codes, CellSize cell) {
    const Way* way = std::begin(ways);
    while (way != std::end(ways) && codes != way->name) ++way;
    if (way == std::end(ways))
        throw Error("'" + codes + "' is not a way to show pictures; choose sixel, kitty or iterm");
    const int columns = (::cairo_image_surface_get_width(picture) + cell.width - 1) / cell.width;
    const int rows = (::cairo_image_surface_get_height(picture) + cell.height - 1) / cell.height;
    const Padded padded(picture, columns * cell.width, rows * cell.height);
    const Ref<ChafaCanvasConfig> config = config_for(way->mode, columns, rows, cell);
    const Ref<ChafaCanvas> canvas(::chafa_canvas_new(config.get()));
    ::chafa_canvas_draw_all_pixels(
        canvas.get(), CHAFA_PIXEL_BGRA8_PREMULTIPLIED, ::cairo_image_surface_get_data(padded.surface),
        ::cairo_image_surface_get_width(padded.surface), ::cairo_image_surface_get_height(padded.surface),
        ::cairo_image_surface_get_stride(padded.surface));
    const Ref<ChafaTermInfo> terminal(::chafa_term_db_get_fallback_info(::chafa_term_db_get_default()));
    GString* text = ::chafa_canvas_print(canvas.get(), terminal.get());
    std::string printed(text->str, text->len);
    ::g_string_free(text, TRUE);
    return printed + '\n';
}

}  // namespace marginalia
