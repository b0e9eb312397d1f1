// Names the operators to LibTorch, and gives their plain forms.
#include <ATen/autocast_mode.h>
#include <torch/library.h>

#include <cmath>

#include <marginalia/operators.h>

#include "images.h"
#include "operators.h"

namespace marginalia {
namespace operators {

at::Tensor in_working_type(const at::Tensor& t) {
    const at::DeviceType device = t.device().type();
    if (device != at::kCPU && device != at::kCUDA) return t;  // autocast knows no more of those that we have
    if (!at::autocast::is_autocast_enabled(device) || !t.is_floating_point()) return t;
    return at::autocast::cached_cast(at::autocast::get_autocast_dtype(device), t, device);
}

std::vector<at::Tensor> in_working_type(at::TensorList list) {
    std::vector<at::Tensor> cast;
    for (const at::Tensor& t : list) cast.push_back(in_working_type(t));
    return cast;
}

at::Tensor with_border(const at::Tensor& h, const std::string& border) {
    const Border kind = border_of(border);
    if (kind.width == 0) return h;
    if (kind.kind == Border::zeros) return at::constant_pad_nd(h, {1, 1, 1, 1}, 0);
    return at::pad(h, {1, 1, 1, 1}, "circular");
}

void spread_what_is_not_finite(const std::vector<at::Tensor>& some, at::Tensor to) {
    for (const at::Tensor& values : some)
        if (!std::isfinite(*values.sum(at::kFloat).const_data_ptr<float>())) to.fill_(NAN);
}

}  // namespace operators

namespace {

TORCH_LIBRARY(marginalia, library) {
    library.def("residual_convolutions(Tensor h, Tensor[] weights, Tensor[] biases, str border) -> Tensor",
                &operators::residual_convolutions);
    library.def("symbol_convolution(Tensor x, Tensor weight, Tensor bias, str border) -> Tensor",
                &operators::symbol_convolution);
    library.def("read_out(Tensor h, Tensor site) -> (Tensor, Tensor)", &operators::read_out);
    library.def("attention(Tensor queries, Tensor keys, Tensor values, int heads) -> Tensor", &operators::attention);
    library.def("gelu(Tensor h) -> Tensor", static_cast<at::Tensor (*)(const at::Tensor&)>(&operators::gelu));
    library.def("norm_silu(Tensor h, int groups, Tensor scale, Tensor shift) -> Tensor", &operators::norm_silu);
    library.def("gru(Tensor inputs, Tensor[] weights) -> Tensor", &operators::gru);
    library.def("mixture_log_density(Tensor numbers, Tensor v) -> Tensor", &operators::mixture_log_density);
}

constexpr const char* called = "marginalia.";

// As methods of the module, so that a file needs nothing besides them.
constexpr const char* plain_forms = R"(
    def plain_border(self, h: Tensor, border: str) -> Tensor:
        if border == "circular":
            return torch.pad(h, [1, 1, 1, 1], "circular")
        if border == "zeros":
            return torch.constant_pad_nd(h, [1, 1, 1, 1], 0.0)
        return h

    def plain_residual_convolutions(self, h: Tensor, weights: List[Tensor], biases: List[Tensor],
                                    border: str) -> Tensor:
        for l in range(len(weights)):
            c = torch.conv2d(self.plain_border(torch.silu(h), border), weights[l], biases[l])
            if border == "none":
                h = h[:, :, 1:-1, 1:-1]
            h = h + c
        return h

    def plain_symbol_convolution(self, x: Tensor, weight: Tensor, bias: Tensor, border: str) -> Tensor:
        one_hot = torch.one_hot(x, weight.size(1)).to(weight.dtype).permute(0, 3, 1, 2)
        return torch.conv2d(self.plain_border(one_hot, border), weight, bias)

    def plain_read_out(self, h: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        a = torch.silu(h)
        index = site.view(-1, 1, 1).expand(-1, a.size(1), 1)
        return a.sum([2, 3], dtype=6), a[:site.size(0)].flatten(2).gather(2, index).squeeze(2)

    def plain_split(self, t: Tensor, heads: int) -> Tensor:
        return t.view(t.size(0), t.size(1), heads, -1).transpose(1, 2)

    def plain_attention(self, queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
        q, k, v = self.plain_split(queries, heads), self.plain_split(keys, heads), self.plain_split(values, heads)
        return torch.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def plain_gelu(self, h: Tensor) -> Tensor:
        return torch.gelu(h)

    def plain_norm_silu(self, h: Tensor, groups: int, scale: Tensor, shift: Tensor) -> Tensor:
        return torch.silu(torch.group_norm(h, groups, scale, shift))

    def plain_gru(self, inputs: Tensor, weights: List[Tensor]) -> Tensor:
        start = torch.zeros([2, inputs.size(0), weights[1].size(1)], dtype=inputs.dtype, device=inputs.device)
        return torch.gru(inputs, start, weights, True, 1, 0.0, False, True, True)[0]

    def plain_mixture_log_density(self, numbers: Tensor, v: Tensor) -> Tensor:
        c = numbers.size(-1) // 3
        spread = torch.exp(numbers[..., 2 * c:3 * c]) + 0.001
        t = (v.unsqueeze(-1) - numbers[..., c:2 * c]) / spread
        log_p = torch.log_softmax(numbers[..., :c], -1) - torch.log(spread) - 0.5 * t * t
        return torch.logsumexp(log_p, [-1]) - 0.9189385332046727
)";

thread_local int plain_wanted = 0;

}  // namespace

PlainOperators::PlainOperators() { ++plain_wanted; }
PlainOperators::~PlainOperators() { --plain_wanted; }

std::string with_operators(const std::string& source) {
    if (plain_wanted == 0 || source.find(called) == source.npos) return source;
    std::string text = source;
    for (std::size_t at = text.find(called); at != text.npos; at = text.find(called, at))
        text.replace(at, std::string(called).size(), "self.plain_");
    return text + plain_forms;
}

}  // namespace marginalia
