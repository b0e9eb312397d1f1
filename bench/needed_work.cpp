#include "bench/needed_work.h"

#include <ATen/ATen.h>

#include <array>

namespace marginalia {

at::Tensor NeededWork::random(at::IntArrayRef shape) const { return at::rand(shape).to(precision_); }

void NeededWork::product(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, bool from_input) {
    at::Tensor x = random({rows, inputs}), w = random({outputs, inputs}), y = random({rows, outputs});
    forward_.emplace_back([x, w, y]() mutable { at::mm_out(y, x, w.t()); });
    at::Tensor of_weights = at::empty_like(w), of_input = at::empty_like(x);
    backward_.emplace_back([x, y, of_weights]() mutable { at::mm_out(of_weights, y.t(), x); });
    if (from_input) backward_.emplace_back([y, w, of_input]() mutable { at::mm_out(of_input, y, w); });
}

void NeededWork::batch(std::int64_t count, std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
    at::Tensor x = random({count, rows, inputs}), w = random({count, outputs, inputs});
    at::Tensor y = random({count, rows, outputs}), of_weights = at::empty_like(w), of_input = at::empty_like(x);
    forward_.emplace_back([=]() mutable { at::bmm_out(y, x, w.transpose(1, 2)); });
    backward_.emplace_back([=]() mutable { at::bmm_out(of_weights, y.transpose(1, 2), x); });
    backward_.emplace_back([=]() mutable { at::bmm_out(of_input, y, w); });
}

// The gradients by themselves: asked for together they take longer.
void NeededWork::convolution(const Convolution& c) {
    const auto last = at::MemoryFormat::ChannelsLast;
    const std::int64_t padding = c.padded ? c.size / 2 : 0, lost = c.padded ? 0 : c.size - 1;
    at::Tensor x = random({c.rows, c.inputs, c.height * c.stride + lost, c.width * c.stride + lost}).contiguous(last);
    at::Tensor w = random({c.outputs, c.inputs, c.size, c.size}).contiguous(last);
    at::Tensor y = random({c.rows, c.outputs, c.height, c.width}).contiguous(last);
    const std::vector<std::int64_t> strides(2, c.stride), around(2, padding), apart(2, 1);
    forward_.emplace_back([=] { at::convolution(x, w, {}, strides, around, apart, false, {0, 0}, 1); });
    const auto gradient = [=](std::array<bool, 3> wanted) {
        at::convolution_backward(y, x, w, c10::nullopt, strides, around, apart, false, {0, 0}, 1, wanted);
    };
    backward_.emplace_back([=] { gradient({false, true, false}); });
    if (c.from_input) backward_.emplace_back([=] { gradient({true, false, false}); });
}

void NeededWork::attention(std::int64_t rows, std::int64_t heads, std::int64_t length, std::int64_t width) {
    at::Tensor of_places = random({rows * heads, length, width}), out = at::empty_like(of_places);
    at::Tensor of_pairs = random({rows * heads, length, length}), pairs_out = at::empty_like(of_pairs);
    const auto pairs = [=]() mutable { at::bmm_out(pairs_out, of_places, of_places.transpose(1, 2)); };
    const auto mixed = [=]() mutable { at::bmm_out(out, of_pairs, of_places); };
    forward_.insert(forward_.end(), {pairs, mixed});
    backward_.insert(backward_.end(), {pairs, mixed, mixed, mixed});
}

void NeededWork::chain(std::int64_t count, std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
    at::Tensor x = random({rows, inputs}), w = random({outputs, inputs}), y = random({rows, outputs});
    at::Tensor of_input = at::empty_like(x);
    forward_.emplace_back([=]() mutable {
        for (std::int64_t i = 0; i < count; ++i) at::mm_out(y, x, w.t());
    });
    // The gradient of the weights is one product over all of them.
    at::Tensor all_x = random({count * rows, inputs}), all_y = random({count * rows, outputs});
    at::Tensor of_weights = at::empty_like(w);
    backward_.emplace_back([=]() mutable {
        for (std::int64_t i = 0; i < count; ++i) at::mm_out(of_input, y, w);
        at::mm_out(of_weights, all_y.t(), all_x);
    });
}

void NeededWork::forward() const {
    for (const auto& operation : forward_) operation();
}

void NeededWork::backward() const {
    for (const auto& operation : backward_) operation();
}

}  // namespace marginalia
