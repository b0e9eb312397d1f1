#include "kernel/worker/machine/cuda.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <link.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// The driver's own library, which needs neither CUDA's headers nor its toolkit. These functions and their types have
// been the same since CUDA 3.2 (CUDA driver API).
class Driver {
public:
    Driver() : library_(::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {}  // never closed: LibTorch uses it too

    explicit operator bool() const { return library_ != nullptr; }

    // "580.65.06, CUDA 13.0"; the kernel module's part is left out where it does not say.
    std::string version() const {
        std::string text;
        std::ifstream("/sys/module/nvidia/version") >> text;
        int cuda = 0;  // 1000 * major + 10 * minor
        if (call("cuDriverGetVersion", &cuda) != 0) return text;
        return (text.empty() ? "" : text + ", ") + "CUDA " + std::to_string(cuda / 1000) + "." +
               std::to_string(cuda % 1000 / 10);
    }

    // The devices that CUDA_VISIBLE_DEVICES leaves; none where the driver fails, whose reason is then `error`.
    std::vector<GpuReport> gpus(std::string& error) const {
        int count = 0;
        if (!succeeds(call("cuInit", 0u), error) || !succeeds(call("cuDeviceGetCount", &count), error)) return {};
        std::vector<GpuReport> found;
        for (int i = 0; i < count; ++i) {
            int device = 0;
            char name[256] = "";
            std::size_t bytes = 0;
            if (!succeeds(call("cuDeviceGet", &device, i), error)) return found;
            call("cuDeviceGetName", name, static_cast<int>(sizeof name - 1), device);
            call("cuDeviceTotalMem_v2", &bytes, device);
            found.push_back({name, id_of(device), static_cast<std::int64_t>(bytes), compute_of(device)});
        }
        return found;
    }

private:
    // "GPU-b3f5d1e0-...", as CUDA_VISIBLE_DEVICES and nvidia-smi have it; empty where an old driver does not say. Of a
    // part of a device the second function knows the part's own, which nobody but the driver writes as GPU-.
    std::string id_of(int device) const {
        unsigned char bytes[16];
        if (call("cuDeviceGetUuid_v2", bytes, device) != 0 && call("cuDeviceGetUuid", bytes, device) != 0) return {};
        std::string text = "GPU-";
        for (int i = 0; i < 16; ++i) {
            char digits[3];
            std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(bytes[i]));
            text += (i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "") + std::string(digits);
        }
        return text;
    }

    int compute_of(int device) const {
        int major = 0, minor = 0;
        call("cuDeviceGetAttribute", &major, 75, device);  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
        call("cuDeviceGetAttribute", &minor, 76, device);
        return 10 * major + minor;
    }

    static constexpr int no_such_function = -1, no_device = 100;

    template <class... Arguments>
    int call(const char* name, Arguments... arguments) const {
        const auto function = reinterpret_cast<int (*)(Arguments...)>(::dlsym(library_, name));
        return function ? function(arguments...) : no_such_function;
    }

    bool succeeds(int code, std::string& error) const {
        if (code == 0 || code == no_device) return code == 0;
        const char* text = nullptr;
        call("cuGetErrorString", code, &text);
        error = text ? text : "error " + std::to_string(code);
        return false;
    }

    void* library_;
};

// The file of a library that this process has loaded; empty if it has not.
fs::path loaded_file(const char* name) {
    void* library = ::dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    link_map* map = nullptr;
    if (!library || ::dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return {};
    return map->l_name;
}

// A value of the loaded LibTorch's own list of build settings, "..., TORCH_VERSION=2.13.0, ..."; empty if it is not
// there.
std::string build_setting(const std::string& name) {
    static const std::string settings = at::show_config();
    const std::size_t begin = settings.find(" " + name + "=");
    if (begin == std::string::npos) return {};
    const std::size_t value = begin + name.size() + 2;
    return settings.substr(value, settings.find(',', value) - value);
}

// How the user gets a CUDA build of this version, whole.
std::string remedy(const TorchReport& report, bool replace) {
    const std::string& library = report.library;
    if (const auto environment = library.rfind("/lib/python");
        environment != std::string::npos && library.find("/site-packages/") != std::string::npos)
        return "`" + library.substr(0, environment) + "/bin/pip install " + (replace ? "--force-reinstall " : "") +
               "torch==" + report.version + "` gets it (about 3 GB)";
    return "put a CUDA build of LibTorch " + report.version + ", with its CUDA libraries, in the place of " +
           fs::path(library).parent_path().parent_path().string();
}

TorchReport opened() {
    TorchReport report;
    const fs::path cpu = loaded_file("libtorch_cpu.so");
    report.library = cpu.string();
    const fs::path cuda = cpu.parent_path() / "libtorch_cuda.so";
    std::error_code none;
    const bool cuda_build = fs::exists(cuda, none);
    std::string open_error;
    if (const Driver driver; driver) {
        report.driver = driver.version();
        report.gpus = driver.gpus(report.problem);
        if (!report.problem.empty())
            report.problem = "the NVIDIA driver fails: " + report.problem + "; see to it with nvidia-smi";
        if (!report.gpus.empty() && cuda_build && !::dlopen(cuda.c_str(), RTLD_NOW | RTLD_GLOBAL))
            open_error = ::dlerror();
    }
    // Not earlier: LibTorch looks for its CUDA half to answer this, and never again.
    report.version = build_setting("TORCH_VERSION");
    if (cuda_build) report.build = "CUDA";
    if (const std::string version = build_setting("CUDA_VERSION"); cuda_build && !version.empty())
        report.build += " " + version;
    if (report.gpus.empty()) return report;
    if (!cuda_build) report.problem = "this LibTorch is a CPU build; " + remedy(report, true);
    else if (!open_error.empty())
        report.problem = "LibTorch's CUDA libraries are not all there (" + open_error + "); " + remedy(report, false);
    else if (report.cuda_devices = at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0; report.cuda_devices == 0)
        report.problem = "LibTorch's " + report.build +
                         " cannot use this driver, which runs CUDA up to the version named above; " +
                         "install a newer driver, or a LibTorch for an older CUDA (2.10.0 has CUDA 12.8)";
    return report;
}

}  // namespace

const TorchReport& open_cuda() {
    static const TorchReport report = opened();
    return report;
}

}  // namespace marginalia
