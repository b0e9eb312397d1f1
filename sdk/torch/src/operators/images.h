// Images, (B, C, H, W) with their channels last in memory, and borders around them.
#pragma once

#include <ATen/ATen.h>

#include <cstring>

#include "../for_rows.h"
#include "arithmetic.h"

namespace marginalia::operators {

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;

// How many sites of border an image gets, and of what.
struct Border {
    enum Kind { circular, zeros } kind = zeros;
    std::int64_t width = 0;  // 0 or 1 if circular
};

inline Border border_of(const std::string& name) {
    if (name == "circular") return {Border::circular, 1};
    if (name == "zeros") return {Border::zeros, 1};
    TORCH_CHECK_VALUE(name == "none", "border is \"", name, "\"; give \"circular\", \"zeros\" or \"none\"");
    return {Border::zeros, 0};
}

// What the adjoint of a convolution with this border convolves the gradient with.
inline Border adjoint(const Border& border) {
    return border.kind == Border::circular ? border : Border{Border::zeros, 2 - border.width};
}

inline at::Tensor empty_images(const at::Tensor& like, std::int64_t height, std::int64_t width) {
    return at::empty({like.size(0), like.size(1), height, width}, like.options().requires_grad(false),
                     at::MemoryFormat::ChannelsLast);
}

inline at::Tensor empty_bordered(const at::Tensor& like, std::int64_t height, std::int64_t width,
                                 const Border& border) {
    return empty_images(like, height + 2 * border.width, width + 2 * border.width);
}

// Where the sites of one image lie within its border.
template <class Value>
class Bordered {
public:
    Bordered(Value* image, std::int64_t height, std::int64_t width, std::int64_t channels, Border border)
        : image_(image), height_(height), width_(width), channels_(channels), border_(border),
          across_((width + 2 * border.width) * channels) {}

    // The sites of a row, (width, channels).
    Value* row(std::int64_t y) const { return image_ + (y + border_.width) * across_ + border_.width * channels_; }

    // Once all rows are written.
    void fill_border() const {
        if (border_.width == 0) return;
        const std::int64_t side = border_.width * channels_;
        for (std::int64_t y = 0; y < height_; ++y) {
            Value *first = row(y), *end = first + width_ * channels_;
            if (border_.kind == Border::circular) {
                copy(first - side, end - side, side);
                copy(end, first, side);
            } else {
                clear(first - side, side);
                clear(end, side);
            }
        }
        for (std::int64_t i = 0; i < border_.width; ++i) {
            Value *above = image_ + i * across_, *below = above + (height_ + border_.width) * across_;
            if (border_.kind == Border::circular) {
                copy(above, above + height_ * across_, across_);
                copy(below, image_ + across_, across_);
            } else {
                clear(above, across_);
                clear(below, across_);
            }
        }
    }

private:
    static void copy(Value* to, const Value* from, std::int64_t count) {
        std::memcpy(static_cast<void*>(to), from, static_cast<std::size_t>(count) * sizeof(Value));
    }
    static void clear(Value* to, std::int64_t count) {
        std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(count) * sizeof(Value));
    }

    Value* const image_;
    const std::int64_t height_, width_, channels_;
    const Border border_;
    const std::int64_t across_;  // values of a row with its border
};

// The images of a tensor.
template <class Value>
class Images {
public:
    explicit Images(const at::Tensor& t)
        : data_(const_cast<Value*>(t.const_data_ptr<Value>())), channels_(t.size(1)), height_(t.size(2)),
          width_(t.size(3)) {}
    Value* row(std::int64_t b, std::int64_t y) const { return data_ + (b * height_ + y) * width_ * channels_; }
    std::int64_t height() const { return height_; }
    std::int64_t width() const { return width_; }
    std::int64_t channels() const { return channels_; }
    std::int64_t run() const { return width_ * channels_; }  // values of a row
    std::int64_t sites() const { return height_ * width_; }
    Bordered<Value> within(std::int64_t b, const Border& border) const {  // seen as sites and the border around them
        return {row(b, 0), height_ - 2 * border.width, width_ - 2 * border.width, channels_, border};
    }

private:
    Value* const data_;
    const std::int64_t channels_, height_, width_;
};

// Calls body(b) for each image, in parallel; some thousand values are worth a thread.
template <class Body>
void for_images(const at::Tensor& images, const Body& body) {
    const std::int64_t values = std::max<std::int64_t>(1, images.numel() / std::max<std::int64_t>(1, images.size(0)));
    for_rows(images.size(0), 1 + 16384 / values, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t b = first; b < last; ++b) body(b);
    });
}

// Calls body(value of the tensor's type); it is float32 or bfloat16.
template <class Body>
void by_type(const at::Tensor& t, const Body& body) {
    t.scalar_type() == at::kFloat ? body(float{}) : body(at::BFloat16{});
}

// (B, C, H, W) -> (C): summed in float32, each image by itself first.
inline at::Tensor sum_over_sites(const at::Tensor& g) {
    const at::Tensor sums = at::zeros({g.size(0), g.size(1)}, g.options().dtype(at::kFloat));
    by_type(g, [&](auto value) {
        const Images<decltype(value)> images(g);
        float* to = sums.mutable_data_ptr<float>();
        for_images(g, [&](std::int64_t b) {
            add_rows(images.row(b, 0), images.sites(), images.channels(), to + b * images.channels());
        });
    });
    return sums.sum(0).to(g.scalar_type());
}

}  // namespace marginalia::operators
