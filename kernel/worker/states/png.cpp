#include "kernel/worker/states/png.h"

#include <marginalia/error.h>
#include <png.h>

namespace marginalia {
namespace {

// Freed by libpng itself only where writing was begun.
struct Image {
    png_image value{};
    Image(std::size_t width, std::size_t height, png_uint_32 format) {
        value.version = PNG_IMAGE_VERSION;
        value.width = static_cast<png_uint_32>(width);
        value.height = static_cast<png_uint_32>(height);
        value.format = format;
    }
    ~Image() { png_image_free(&value); }

    std::string written(const std::uint8_t* pixels, const png_byte* colours) {
        png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(value);
        std::string bytes(size, '\0');
        if (!png_image_write_to_memory(&value, bytes.data(), &size, 0, pixels, 0, colours))
            throw Error(std::string("the picture cannot be made: ") + value.message);
        bytes.resize(size);
        return bytes;
    }
};

}  // namespace

std::string png_of(const IndexedPicture& picture) {
    Image image(picture.width, picture.height, PNG_FORMAT_RGB_COLORMAP);
    image.value.colormap_entries = static_cast<png_uint_32>(picture.colours.size());
    std::vector<png_byte> colours;
    for (const Colour& colour : picture.colours) colours.insert(colours.end(), {colour.red, colour.green, colour.blue});
    return image.written(picture.pixels.data(), colours.data());
}

std::string png_of(const ColourPicture& picture) {
    return Image(picture.width, picture.height, PNG_FORMAT_RGB).written(picture.pixels.data(), nullptr);
}

}  // namespace marginalia
