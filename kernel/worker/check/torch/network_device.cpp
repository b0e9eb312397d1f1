#include <ATen/ATen.h>
#include <torch/script.h>

#include "kernel/worker/check/checker.h"
#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/network_outputs.h"

namespace marginalia {
namespace {

// Parameters and buffers are exchanged one by one, as Module::to refuses to change a tensor into one of `meta`. Other
// tensors of the module stay, as they do in Module::to.
std::unique_ptr<Network> copy_on(const NetworkProbe& probe, const at::Device& device) {
    torch::jit::Module module = probe.network->module().deepcopy();
    for (torch::jit::Module part : module.modules()) {
        for (const auto& parameter : part.named_parameters(false))
            part.setattr(parameter.name, parameter.value.detach().to(device).set_requires_grad(true));
        for (const auto& buffer : part.named_buffers(false)) part.setattr(buffer.name, buffer.value.to(device));
    }
    return std::make_unique<Network>(std::move(module), probe.domain);
}

constexpr const char* remedy =
    "; register constants as buffers, or make them with device=x.device, so that the network can move";

void expect_on(const at::Tensor& result, const at::Device& device, const char* method) {
    expect(result.device().type() == device.type(), std::string(method) + " of states on " + device.str() +
                                                        " gives values on " + result.device().str() + remedy);
}

std::string check_cuda(const NetworkProbe& probe) {
    const at::Device cuda(at::kCUDA, 0);
    const auto there = copy_on(probe, cuda);
    const std::vector<Output> here = outputs_of(*probe.network, probe.states),
                              others = outputs_of(*there, probe.states.to(cuda));
    for (std::size_t i = 0; i < here.size(); ++i) {
        expect_on(others[i].values, cuda, others[i].method);
        expect(at::allclose(others[i].values.cpu(), here[i].values, 1e-2, 1e-2),
               "the values on CUDA differ by more than 1 %");
    }
    return "CUDA, the same values within 1 %";
}

// An operator that `meta` does not know says nothing about the network.
bool is_gap_of_meta(const std::string& what) {
    for (const char* part : {"'Meta' backend", "meta tensor", "Meta tensor", "meta kernel", "convolution_overrideable"})
        if (what.find(part) != std::string::npos) return true;
    return false;
}

std::string check_meta(const NetworkProbe& probe) {
    const at::Device meta(at::kMeta);
    try {
        const auto there = copy_on(probe, meta);
        for (const Output& output : outputs_of(*there, probe.states.to(meta)))
            expect_on(output.values, meta, output.method);
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {
        const std::string what = error.what();
        if (is_gap_of_meta(what))
            return "no CUDA here, and an operator that LibTorch's meta device does not know: not checked";
        const auto at = what.rfind("RuntimeError: ");
        const std::string reason = at == std::string::npos ? what : what.substr(at + 14);
        throw Error("on another device (LibTorch's meta) it fails: " + reason.substr(0, reason.find('\n')) + remedy);
    }
    return "no CUDA here; by LibTorch's meta device";
}

}  // namespace

std::string check_device_move(const NetworkProbe& probe) {
    const at::NoGradGuard no_grad;
    return at::hasCUDA() ? check_cuda(probe) : check_meta(probe);
}

}  // namespace marginalia
