#include "kernel/worker/machine/matrix_products.h"

#include <ATen/ATen.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <torch/library.h>

namespace marginalia {

namespace {

// y = x wᵀ + bias, by oneDNN: registered in LibTorch for its compiler of graphs, absent where it was built without
// oneDNN.
using LinearSignature = at::Tensor(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias,
                                   std::string_view, c10::List<std::optional<at::Scalar>>,
                                   std::optional<std::string_view>);
using Linear = c10::TypedOperatorHandle<LinearSignature>;

std::optional<Linear> find_linear() {
    const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    return found ? std::optional<Linear>(found->typed<LinearSignature>()) : std::nullopt;
}

at::Tensor linear_layer(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) {
    static const Linear call = *find_linear();
    return call.call(x, w, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

// Below these sizes what it costs to set a product up outweighs the gain.
constexpr std::int64_t least_dimension = 4, least_multiplications = 1 << 21;

bool is_float_matrix(const at::Tensor& a) {
    return a.dim() == 2 && a.scalar_type() == at::kFloat && a.layout() == at::kStrided && a.device().is_cpu();
}

bool gains(const at::Tensor& a, const at::Tensor& b) {
    if (!is_float_matrix(a) || !is_float_matrix(b) || a.size(1) != b.size(0)) return false;
    return std::min({a.size(0), a.size(1), b.size(1)}) >= least_dimension &&
           a.size(0) * a.size(1) * b.size(1) >= least_multiplications;
}

at::Tensor multiply(const at::Tensor& a, const at::Tensor& b) {
    return gains(a, b) ? linear_layer(a, b.t(), std::nullopt) : at::cpu::mm(a, b);
}

at::Tensor multiply_and_add(const at::Tensor& bias, const at::Tensor& a, const at::Tensor& b, const at::Scalar& beta,
                            const at::Scalar& alpha) {
    const bool plain = beta.equal(1) && alpha.equal(1) && bias.scalar_type() == at::kFloat && bias.dim() == 1;
    if (!plain || !gains(a, b) || bias.size(0) != b.size(1)) return at::cpu::addmm(bias, a, b, beta, alpha);
    return linear_layer(a, b.t(), bias);
}

// LibTorch warns of every kernel replaced, once.
class Silence : public c10::WarningHandler {
    void process(const c10::Warning&) override {}
};

bool processor_gains() {
#if defined(__x86_64__)
    return __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
#else
    return false;
#endif
}

void replace_kernels() {
    Silence silence;
    const c10::WarningUtils::WarningHandlerGuard guard(&silence);
    // Never destroyed: that would bring the old kernels back.
    auto* library = new torch::Library(torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
    library->impl("mm", TORCH_FN(multiply));
    library->impl("addmm", TORCH_FN(multiply_and_add));
}

}  // namespace

bool use_fast_matrix_products() {
    static const bool replaced = [] {
        if (!processor_gains() || !find_linear()) return false;
        replace_kernels();
        return true;
    }();
    return replaced;
}

}  // namespace marginalia
