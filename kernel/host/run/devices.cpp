#include "kernel/host/run/devices.h"

#include <dlfcn.h>
#include <marginalia/lists.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr const char* fake_devices = "MARGINALIA_FAKE_DEVICES";

int cuda_index(const std::string& name) {
    int index = -1;
    if (name.starts_with("cuda:")) std::from_chars(name.data() + 5, name.data() + name.size(), index);
    return index;
}

std::int64_t number_in(const fs::path& file) {
    std::int64_t number = 0;
    std::ifstream(file) >> number;
    return number;
}

// What processes that live have taken of a fake device.
std::int64_t taken_of_fake(const fs::path& folder) {
    std::int64_t taken = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) {
        const std::string process = entry.path().filename().string();
        const bool is_number = process.find_first_not_of("0123456789") == process.npos;
        if (is_number && fs::exists("/proc/" + process, none)) taken += number_in(entry.path());
    }
    return taken;
}

}  // namespace

std::string Device::text() const { return hardware.name.empty() ? name : name + " (" + hardware.name + ")"; }

std::string visible_entry(const char* list, int index) {
    std::string_view rest = list ? list : "";
    for (int i = 0; !rest.empty(); ++i) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        if (i == index) return std::string(trim_blanks(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::to_string(index);
}

Device described_device(const std::string& name, const TorchReport& torch, const char* list) {
    Device device{name};
    if (name.starts_with("fake:")) {
        if (std::getenv(fake_devices)) device.visible = name;
    } else if (const int index = cuda_index(name); index >= 0) {
        device.visible = visible_entry(list, index);
        if (static_cast<std::size_t>(index) < torch.gpus.size()) {
            const GpuReport& gpu = torch.gpus[static_cast<std::size_t>(index)];
            // A part of a GPU has a UUID of its own, which only its user's entry calls that of a part.
            const bool is_part = device.visible->starts_with("MIG-");
            device.hardware = {gpu.name, is_part ? *device.visible : gpu.id, gpu.bytes, torch.driver};
        }
    } else if (!torch.gpus.empty()) {
        device.visible = "";  // so that it spares itself CUDA
    }
    return device;
}

// nvml.h's functions of these names and types have been the same since version 2 of NVML's ABI.
class DeviceMeter::Nvml {
public:
    Nvml() : library_(::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
        works_ = library_ && call("nvmlInit_v2") == 0;
    }
    ~Nvml() {
        if (works_) call("nvmlShutdown");
        if (library_) ::dlclose(library_);
    }
    Nvml(const Nvml&) = delete;
    Nvml& operator=(const Nvml&) = delete;

    std::optional<DeviceMemory> memory(const std::string& id) const {
        Memory memory;
        if (ask(id, memory) != 0) return std::nullopt;
        return DeviceMemory{static_cast<std::int64_t>(memory.total), static_cast<std::int64_t>(memory.free)};
    }

    bool is_lost(const std::string& id) const {
        Memory memory;
        return ask(id, memory) == gone;
    }

private:
    static constexpr int no_such_function = -1, gone = 15;  // NVML_ERROR_GPU_IS_LOST

    struct Memory {
        unsigned long long total = 0, free = 0, used = 0;
    };

    int ask(const std::string& id, Memory& memory) const {
        if (!works_ || id.empty()) return no_such_function;
        void* handle = nullptr;
        const int found = call("nvmlDeviceGetHandleByUUID", id.c_str(), &handle);
        return found != 0 ? found : call("nvmlDeviceGetMemoryInfo", handle, &memory);
    }

    template <class... Arguments>
    int call(const char* name, Arguments... arguments) const {
        const auto function = reinterpret_cast<int (*)(Arguments...)>(::dlsym(library_, name));
        return function ? function(arguments...) : no_such_function;
    }

    void* library_;
    bool works_ = false;
};

DeviceMeter::DeviceMeter() {
    if (const char* folder = std::getenv(fake_devices)) fakes_ = folder;
}

DeviceMeter::~DeviceMeter() = default;

const DeviceMeter::Nvml& DeviceMeter::nvml() const {
    if (!nvml_) nvml_ = std::make_unique<Nvml>();
    return *nvml_;
}

std::optional<DeviceMemory> DeviceMeter::memory(const Device& device) const {
    if (device.name.starts_with("cuda:")) return nvml().memory(device.hardware.id);
    if (device.is_cpu() || fakes_.empty()) return std::nullopt;
    const std::int64_t total = number_in(fs::path(fakes_) / "memory");
    const std::int64_t taken = taken_of_fake(fs::path(fakes_) / device.name);
    return DeviceMemory{total, std::max<std::int64_t>(0, total - taken)};
}

bool DeviceMeter::is_lost(const Device& device) const {
    if (device.name.starts_with("cuda:")) return nvml().is_lost(device.hardware.id);
    std::error_code none;
    return !device.is_cpu() && !fakes_.empty() && fs::exists(fs::path(fakes_) / device.name / "lost", none);
}

}  // namespace marginalia
