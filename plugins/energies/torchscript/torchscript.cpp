// An energy scripted in Python.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/device_energy.h>
#include <marginalia/scripted_file.h>

#include <sstream>

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;

constexpr std::size_t most_rows = 8192;  // in one call of the script, to bound its memory

constexpr Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::script,
     .help = "TorchScript file with its metadata, as torch.jit.save writes it"},
    {.name = "device",
     .type = ParameterType::text,
     .fallback = "\"auto\"",
     .choices = "auto|cpu|cuda",
     .help = "where the script runs; auto: a GPU if there is one"},
};

constexpr const char* manual = R"(An energy written in Python, without C++: a module scripted by torch.jit.script and
saved with its metadata. It has

    log_density(x)           (B, D) int64 symbols 0..K-1 -> (B) floats: log f in nats, -inf allowed

and may have

    partial_log_density(x)   the same with □ = K where a site is unknown: a running estimate, log f on full states
    observe(x)               (B, D) -> (B, n) floats, the n named observables of the metadata

The metadata is JSON in the file's extra file `marginalia.json`: `categories` K, `sites` D, and optionally `shape`,
`periodic`, `symbols`, `observables`, `log_z` and `entropy`, which check-plugin compares with enumeration where there
are at most 65,536 states (docs/plugins.md, "Without C++"; sdk/example/python/energy.py). The whole batch goes to one
call, on the CPU with all of the trial's threads, or on a GPU; states of a trial on a GPU stay there if the script runs
there too. Two settings of a script are two files; "energy.file" can be swept.

The plugin's file is `torchscript-energy.so`, since a network has the same name. TorchScript is deprecated upstream:
PyTorch 2.13 ships it and it works, but it is no longer developed.

References: PyTorch documentation, "TorchScript language reference".)";

// (B) float64 of the script, on the device of x. A script keeps the precision that it was written in whatever the
// trial's.
at::Tensor call(const torch::jit::Module& module, const char* method, const at::Tensor& x,
                const std::vector<std::int64_t>& shape) {
    const at::NoGradGuard no_grad;
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const at::Tensor result = marginalia::call_script(module, method, x);
    if (result.sizes() != at::IntArrayRef(shape)) {
        std::ostringstream sizes;
        sizes << result.sizes() << " for states of " << x.sizes() << "; it must be of shape " << at::IntArrayRef(shape);
        throw Error(std::string(method) + "(x) returns a tensor of shape " + sizes.str());
    }
    return result.to(at::kDouble);
}

// The script on the device where it runs. Nothing is known of its terms: a site takes K evaluations, one site at a
// time.
class ScriptOnDevice final : public marginalia::DeviceEnergy {
public:
    ScriptOnDevice(const marginalia::ScriptedFile& file, const at::Device& device)
        : DeviceEnergy(device, file.domain.sites, file.domain.categories, false), module_(file.module) {
        const at::Tensor all = at::arange(sites(), at::TensorOptions(at::kLong).device(device));
        for (std::int64_t site = 0; site < sites(); ++site) colours_.push_back(all.slice(0, site, site + 1));
    }

    at::Tensor log_densities(const at::Tensor& x) const override { return in_pieces("log_density", x); }

    at::Tensor site_log_densities(const at::Tensor& x, std::size_t site) const override {
        std::vector<at::Tensor> values;
        at::Tensor changed = x.clone();
        for (std::int64_t k = 0; k < categories(); ++k) {
            changed.select(1, static_cast<std::int64_t>(site)).fill_(k);
            values.push_back(log_densities(changed));
        }
        return at::stack(values, 1).unsqueeze(1);
    }

    at::Tensor partial_log_densities(const at::Tensor& x) const override {
        if (!module_.find_method("partial_log_density")) return {};
        return in_pieces("partial_log_density", x);
    }

private:
    at::Tensor in_pieces(const char* method, const at::Tensor& x) const {
        std::vector<at::Tensor> values;
        for (const at::Tensor& rows : x.split(static_cast<std::int64_t>(most_rows)))
            values.push_back(call(module_, method, rows, {rows.size(0)}));
        return at::cat(values);
    }

    const torch::jit::Module module_;
};

class ScriptedEnergy final : public marginalia::Energy, public marginalia::DeviceEnergySource {
public:
    explicit ScriptedEnergy(const marginalia::Params& p)
        : ScriptedEnergy(marginalia::open_scripted_file(p.text("file"), {"log_density"}), p) {}

    double log_density(marginalia::State x) const override {
        double value = 0;
        log_densities({x, x.size()}, {&value, 1});
        return value;
    }

    void log_densities(marginalia::States rows, std::span<double> out) const override {
        for (std::size_t first = 0; first < rows.size(); first += most_rows) {
            const std::size_t count = std::min(most_rows, rows.size() - first);
            const at::Tensor values = run("log_density", rows.slice(first, count), {static_cast<std::int64_t>(count)});
            std::copy_n(values.const_data_ptr<double>(), count, out.begin() + static_cast<std::ptrdiff_t>(first));
        }
    }

    std::size_t rows_per_call() const override { return 0; }

    std::optional<double> partial_log_density(marginalia::State x) const override {
        if (!has_partial_) return std::nullopt;
        return run("partial_log_density", {x, x.size()}, {1}).item<double>();
    }

    std::unique_ptr<marginalia::DeviceEnergy> on_device(const at::Device& device) const override {
        if (device.type() != device_.type()) return nullptr;  // as the user chose
        return std::make_unique<ScriptOnDevice>(file_, device);
    }

    std::optional<double> log_z() const override { return file_.log_z; }
    std::optional<double> entropy() const override { return file_.entropy; }
    std::vector<marginalia::Observable> observables() const override { return file_.observables; }

    void observe(marginalia::State x, std::span<double> values) const override {
        if (values.empty()) return;
        const at::Tensor observed = run("observe", {x, x.size()}, {1, static_cast<std::int64_t>(values.size())});
        std::copy_n(observed.const_data_ptr<double>(), values.size(), values.begin());
    }

    marginalia::Layout layout() const override { return file_.domain.layout; }
    std::string text(marginalia::State x) const override {
        return marginalia::state_text(x, categories(), file_.symbols);
    }
    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        marginalia::parse_state(line, categories(), file_.symbols, out);
    }

private:
    ScriptedEnergy(marginalia::ScriptedFile file, const marginalia::Params& p)
        : Energy(with_sites(file, p), file.domain.categories), file_(std::move(file)),
          device_(device_of(p.text("device"))) {
        file_.module.to(device_);
        has_partial_ = file_.module.find_method("partial_log_density").has_value();
        if (!file_.observables.empty() && !file_.module.find_method("observe"))
            throw Error(p.text("file") +
                        ": the metadata names observables, but the module has no method 'observe(self, x)'");
    }

    static std::int64_t with_sites(const marginalia::ScriptedFile& file, const marginalia::Params& p) {
        if (file.domain.sites == 0)
            throw Error(p.text("file") + ": its metadata (marginalia.json) has no 'sites'; an energy needs them");
        return file.domain.sites;
    }

    static at::Device device_of(const std::string& name) {
        if (name == "cuda" && !at::hasCUDA())
            throw Error("device = \"cuda\", but LibTorch sees no GPU; give device = \"cpu\"");
        return name == "cuda" || (name == "auto" && at::hasCUDA()) ? at::kCUDA : at::kCPU;
    }

    // float64 on the CPU, of the shape asked for.
    at::Tensor run(const char* method, marginalia::States rows, std::vector<std::int64_t> shape) const {
        const at::Tensor bytes =
            at::from_blob(const_cast<std::uint8_t*>(rows.bytes.data()),
                          {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.width)}, at::kByte);
        return call(file_.module, method, bytes.to(device_).to(at::kLong), shape).to(at::kCPU).contiguous();
    }

    marginalia::ScriptedFile file_;
    const at::Device device_;
    bool has_partial_ = false;
};

marginalia::Energy* create(const marginalia::Params& p) { return new ScriptedEnergy(p); }

}  // namespace

// Not MARGINALIA_ENERGY: this energy depends on LibTorch, and its build tag says so.
MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "energy", "torchscript",
                  "an energy scripted in Python (TorchScript file)", manual, parameters, &create, "");
