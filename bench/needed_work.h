// The products and convolutions that a pass of a network cannot do without, as bare operators: the floor of its time.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace marginalia {

// A list of the work of one pass over some rows, at one precision. Each operator runs on dense tensors of its own, laid
// out as suits it best (convolutions with their channels last), and writes into memory that is there already where the
// operator can.
class NeededWork {
public:
    explicit NeededWork(at::ScalarType precision) : precision_(precision) {}

    // `rows` x `inputs` times `inputs` x `outputs`. `from_input`: what comes before learns too, so that the backward
    // pass needs the gradient of the input beside that of the weights.
    void product(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, bool from_input = true);

    // `count` independent ones of these.
    void batch(std::int64_t count, std::int64_t rows, std::int64_t inputs, std::int64_t outputs);

    // `size` x `size`, to maps of `height` x `width` places, padded with zeros; the least that any padding costs.
    struct Convolution {
        std::int64_t rows, height, width, inputs, outputs;
        std::int64_t size = 3, stride = 1;
        bool padded = true;
        bool from_input = true;
    };
    void convolution(const Convolution& c);

    // softmax(q k') v of `heads` heads of `width` over `length` places: its two products, and their four backward.
    void attention(std::int64_t rows, std::int64_t heads, std::int64_t length, std::int64_t width);

    // `count` products one after another of (rows, inputs) and (inputs, outputs).
    void chain(std::int64_t count, std::int64_t rows, std::int64_t inputs, std::int64_t outputs);

    void forward() const;
    void backward() const;  // the gradients, given forward's values

private:
    at::Tensor random(at::IntArrayRef shape) const;

    const at::ScalarType precision_;
    std::vector<std::function<void()>> forward_, backward_;
};

}  // namespace marginalia
