// symbol_convolution: a 3x3 convolution of one-hot symbols as a look-up of nine rows of its weights a site.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "../for_rows.h"
#include "arithmetic.h"
#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

constexpr std::int64_t taps = 9;

// Along an axis with a border: which place is seen, or -1 for none.
std::vector<std::int64_t> seen_along(std::int64_t length, const Border& border) {
    std::vector<std::int64_t> places;
    for (std::int64_t place = -border.width; place < length + border.width; ++place) {
        const bool there = place >= 0 && place < length;
        places.push_back(there || border.kind == Border::circular ? (place + length) % length : -1);
    }
    return places;
}

void check_symbols(const at::Tensor& x, std::int64_t symbols) {
    const std::int64_t* symbol = x.const_data_ptr<std::int64_t>();
    const auto is_none = [&](std::int64_t s) { return s < 0 || s >= symbols; };
    const std::int64_t* wrong = std::find_if(symbol, symbol + x.numel(), is_none);
    TORCH_CHECK_INDEX(wrong == symbol + x.numel(), "symbol ", *wrong, " is not one of 0 to ", symbols - 1);
}

// (B, H, W) symbols -> rows of a table of them, with a border, int32; beyond an edge of zeros lies one symbol more.
at::Tensor bordered_symbols(const at::Tensor& x, std::int64_t symbols, const Border& border) {
    const at::Tensor from = x.contiguous();
    check_symbols(from, symbols);
    const std::vector<std::int64_t> rows = seen_along(x.size(1), border), columns = seen_along(x.size(2), border);
    const at::Tensor to = at::empty(
        {x.size(0), static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns.size())}, at::kInt);
    std::int32_t* out = to.mutable_data_ptr<std::int32_t>();
    const std::int64_t* image = from.const_data_ptr<std::int64_t>();
    for (std::int64_t b = 0; b < x.size(0); ++b, image += x.size(1) * x.size(2))
        for (const std::int64_t row : rows)
            for (const std::int64_t column : columns)
                *out++ = static_cast<std::int32_t>(row < 0 || column < 0 ? symbols : image[row * x.size(2) + column]);
    return to;
}

// (C, S, 3, 3) -> (9, S + 1, C) float32: what each symbol adds from each place around a site; the last symbol, nothing.
at::Tensor table_of(const at::Tensor& weight) {
    return at::constant_pad_nd(weight.permute({2, 3, 1, 0}).to(at::kFloat).flatten(0, 1), {0, 0, 0, 1}, 0).contiguous();
}

// The sites of an output (B, H, W), each with the numbers of the nine symbols around it.
template <class Body>
void for_sites(const at::Tensor& around, std::int64_t first_row, std::int64_t last_row, const Body& body) {
    const std::int64_t across = around.size(2), height = around.size(1) - 2, width = across - 2;
    const std::int32_t* symbols = around.const_data_ptr<std::int32_t>();
    std::int32_t here[taps];
    for (std::int64_t b = first_row; b < last_row; ++b)
        for (std::int64_t y = 0; y < height; ++y)
            for (std::int64_t x = 0; x < width; ++x) {
                const std::int32_t* corner = symbols + (b * (height + 2) + y) * across + x;
                for (std::int64_t t = 0; t < taps; ++t) here[t] = corner[t / 3 * across + t % 3];
                body((b * height + y) * width + x, here);
            }
}

template <class Value>
void look_up(const at::Tensor& around, const at::Tensor& table, const at::Tensor& bias, const at::Tensor& out) {
    const std::int64_t channels = table.size(2), symbols = table.size(1);
    const float *rows = table.const_data_ptr<float>(), *start = bias.const_data_ptr<float>();
    Value* to = out.mutable_data_ptr<Value>();
    for_rows(around.size(0), 16, [&](std::int64_t first, std::int64_t last) {
        for_sites(around, first, last, [&](std::int64_t site, const std::int32_t* here) {
            const float* nine[taps];
            for (std::int64_t t = 0; t < taps; ++t) nine[t] = rows + (t * symbols + here[t]) * channels;
            sum_of_nine(start, nine, to + site * channels, channels);
        });
    });
}

// The gradient of the table; each thread sums the rows of its images.
template <class Value>
at::Tensor gradient_of_table(const at::Tensor& around, const at::Tensor& g, std::int64_t symbols) {
    const std::int64_t channels = g.size(1), rows = around.size(0), threads = at::get_num_threads();
    const std::int64_t share = (rows + threads - 1) / threads;
    const at::Tensor sums = at::zeros({threads, taps, symbols, channels}, at::kFloat);
    const Value* from = g.const_data_ptr<Value>();
    for_rows(threads, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t thread = first; thread < last; ++thread) {
            float* to = sums.mutable_data_ptr<float>() + thread * taps * symbols * channels;
            for_sites(around, thread * share, std::min(rows, (thread + 1) * share),
                      [&](std::int64_t site, const std::int32_t* here) {
                          float* nine[taps];
                          for (std::int64_t t = 0; t < taps; ++t) nine[t] = to + (t * symbols + here[t]) * channels;
                          add_to_nine(from + site * channels, nine, channels);
                      });
        }
    });
    return sums.sum(0);
}

at::Tensor convolved_symbols(const at::Tensor& around, const at::Tensor& weight, const at::Tensor& bias) {
    const at::Tensor out = at::empty({around.size(0), weight.size(0), around.size(1) - 2, around.size(2) - 2},
                                     weight.options().requires_grad(false), channels_last);
    const at::Tensor table = table_of(weight), start = bias.to(at::kFloat).contiguous();
    if (out.scalar_type() == at::kFloat) look_up<float>(around, table, start, out);
    else look_up<at::BFloat16>(around, table, start, out);
    return out;
}

class SymbolConvolution : public torch::autograd::Function<SymbolConvolution> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& around,
                              const at::Tensor& weight, const at::Tensor& bias) {
        const at::AutoDispatchBelowAutograd no_graph;
        context->save_for_backward({around});
        context->saved_data["symbols"] = weight.size(1);
        return convolved_symbols(around, weight, bias);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const at::Tensor around = context->get_saved_variables()[0];
        const at::Tensor g = gradients[0].contiguous(channels_last);
        const std::int64_t symbols = context->saved_data["symbols"].toInt();
        at::Tensor table = g.scalar_type() == at::kFloat ? gradient_of_table<float>(around, g, symbols + 1)
                                                         : gradient_of_table<at::BFloat16>(around, g, symbols + 1);
        table = table.slice(1, 0, symbols).view({3, 3, symbols, g.size(1)}).permute({3, 2, 0, 1});
        return {{}, table.to(g.scalar_type()).contiguous(channels_last), sum_over_sites(g)};
    }
};

}  // namespace

at::Tensor symbol_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              std::string border) {
    const at::Tensor w = in_working_type(weight), b = in_working_type(bias);
    const bool fast = x.is_cpu() && (w.scalar_type() == at::kFloat || w.scalar_type() == at::kBFloat16);
    if (!fast || x.numel() == 0) {
        const at::Tensor one_hot = at::one_hot(x, w.size(1)).to(w.scalar_type()).permute({0, 3, 1, 2});
        return at::conv2d(with_border(one_hot, border), w, b);
    }
    const at::Tensor around = bordered_symbols(x, w.size(1), border_of(border));
    if (wants_gradient(w, b)) return SymbolConvolution::apply(around, w, b);
    const at::AutoDispatchBelowAutograd no_graph;
    return convolved_symbols(around, w, b);
}

}  // namespace marginalia::operators
