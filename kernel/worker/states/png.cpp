#include "kernel/worker/states/png.h"

#include <marginalia/error.h>
#include <png.h>

namespace marginalia {
namespace {

// Freed by libpng itself only where writing was begun.
struct Image {
    png_image value{};
    ~Image() { png_image_free(&value); }
};

}  // namespace

std::string png_of(const IndexedPicture& picture) {
    Image image;
    image.value.version = PNG_IMAGE_VERSION;
    image.value.width = static_cast<png_uint_32>(picture.width);
    image.value.height = static_cast<png_uint_32>(picture.height);
    image.value.format = PNG_FORMAT_RGB_COLORMAP;
    image.value.colormap_entries = static_cast<png_uint_32>(picture.colours.size());
    std::vector<png_byte> colours;
    for (const Colour& colour : picture.colours) colours.insert(colours.end(), {colour.red, colour.green, colour.blue});
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image.value);
    std::string bytes(size, '\0');
    if (!png_image_write_to_memory(&image.value, bytes.data(), &size, 0, picture.pixels.data(), 0, colours.data()))
        throw Error(std::string("the picture cannot be made: ") + image.value.message);
    bytes.resize(size);
    return bytes;
}

}  // namespace marginalia
