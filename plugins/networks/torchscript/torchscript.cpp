// A network scripted in Python.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network.h>
#include <marginalia/scripted_file.h>

namespace {

using marginalia::Domain;
using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::script,
     .help = "TorchScript file with its metadata, as torch.jit.save writes it"},
};

constexpr const char* manual = R"(A network written in Python, without C++: a module scripted by torch.jit.script and
saved with its metadata. It has

    log_marginal(x)            (B, D) int64 symbols 0..K -> (B): log p_θ(x_S) in nats, 0 for all □ (□ = K)
    conditional_logits(x)      (B, D) -> (B, D, K): logits of p_φ(x_d | x_S), meaningful where x_d = □

and may have

    conditional_at(x, site)    (B, D), (B) -> (B, K): the logits of one site a row, where that is cheaper
    joint(x, site)             (N, D), (M) -> ((N), (M, K)): log_marginal of all rows and conditional_at of the first M
    initialize(generator)      draws fresh weights from a torch.Generator

Methods other than forward need @torch.jit.export. Without `initialize` every seed starts from the weights in the file.
Parameters must be float32. The metadata is JSON in the file's extra file `marginalia.json`: `categories` K and, unless
the module serves any number, `sites` D (docs/plugins.md, "Without C++"; sdk/example/python/network.py). New tensors in
the script must be made on the device of x, so that the module can move to a GPU.

The plugin's file is `torchscript-network.so`, since an energy has the same name. TorchScript is deprecated upstream:
PyTorch 2.13 ships it and it works, but it is no longer developed.

References: PyTorch documentation, "TorchScript language reference".)";

torch::jit::Module build(const marginalia::Params& params, const Domain& domain, at::Generator& generator) {
    const std::string& path = params.text("file");
    marginalia::ScriptedFile file = marginalia::open_scripted_file(path, {"log_marginal", "conditional_logits"});
    const auto differs = [&](const char* what, std::int64_t own, std::int64_t asked) {
        throw Error(path + ": the module is for " + std::to_string(own) + " " + what + ", but the experiment has " +
                    std::to_string(asked) + "; script it again for these");
    };
    if (file.domain.categories != domain.categories) differs("categories", file.domain.categories, domain.categories);
    if (file.domain.sites != 0 && file.domain.sites != domain.sites) differs("sites", file.domain.sites, domain.sites);
    for (const auto& parameter : file.module.named_parameters())
        if (parameter.value.scalar_type() != at::kFloat)
            throw Error(path + ": the parameter '" + parameter.name + "' is not float32; save module.float()");
    if (const auto initialize = file.module.find_method("initialize")) {
        const at::NoGradGuard no_grad;
        (*initialize)({generator});
    }
    return file.module;
}

}  // namespace

MARGINALIA_NETWORK(build, "torchscript", "a network scripted in Python (TorchScript file)", manual, parameters);
