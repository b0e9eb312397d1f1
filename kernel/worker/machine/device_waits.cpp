#include "kernel/worker/machine/device_waits.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <marginalia/host.h>

#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace marginalia {
namespace {

// The host has to know the size or the value of what these return. `item`, boolean masks as indices and the like come
// down to them.
const std::set<std::string_view> waiting = {"_local_scalar_dense",
                                            "item",
                                            "is_nonzero",
                                            "equal",
                                            "nonzero",
                                            "argwhere",
                                            "masked_select",
                                            "_unique",
                                            "_unique2",
                                            "unique_dim",
                                            "unique_consecutive",
                                            "unique_dim_consecutive",
                                            "bincount",
                                            "histc",
                                            "allclose",
                                            "multinomial",
                                            "nonzero_numpy"};

// These look at values on the CPU alone: symbols, which they check, step numbers and sums.
const std::set<std::string_view> looking_on_cpu = {"one_hot", "_fused_adamw_", "std", "var"};

// Written by the counter alone; operators of any thread add to it.
std::mutex mutex;
DeviceWaits found;
at::Device watched = at::kCPU;
thread_local int inside = 0;  // operators under way that were counted, or are not to be
thread_local std::vector<std::string> under_way;

std::string_view plain(std::string_view name) {
    const auto colons = name.rfind("::");
    return colons == name.npos ? name : name.substr(colons + 2);
}

bool works_on_watched(const at::RecordFunction& operation) {
    for (const c10::IValue& input : operation.inputs())
        if (input.isTensor() && input.toTensor().defined() && input.toTensor().device() == watched) return true;
    return false;
}

bool repeats_by_tensor(const at::RecordFunction& operation, std::string_view name) {
    return name == "repeat_interleave" && operation.operator_name() &&
           operation.operator_name()->overload_name == "Tensor";
}

// A change of device that is asked for, not by an operator of LibTorch for its own ends. On the CPU it shows where
// nothing but the device is given: `.cpu()` repeats the tensor's own type.
bool asks_for_device(const at::RecordFunction& operation) {
    const auto name = operation.operator_name();
    if (!name || !under_way.empty()) return false;
    if (name->overload_name == "device" || name->overload_name == "prim_Device") return true;
    const auto inputs = operation.inputs();
    if (name->overload_name != "dtype_layout" || inputs.size() < 4 || !inputs[0].isTensor()) return false;
    const bool own_type =
        inputs[1].isNone() ||
        (inputs[1].isInt() && inputs[1].toInt() == static_cast<int>(inputs[0].toTensor().scalar_type()));
    return inputs[3].isDevice() && own_type;
}

bool copies_between_devices(const at::RecordFunction& operation, std::string_view name) {
    if (watched.is_cpu()) return name == "to" && asks_for_device(operation);
    if (name != "copy_") return false;
    const auto inputs = operation.inputs();
    return inputs.size() > 1 && inputs[0].isTensor() && inputs[1].isTensor() &&
           inputs[0].toTensor().device() != inputs[1].toTensor().device();
}

bool waits(const at::RecordFunction& operation, std::string_view name) {
    if (copies_between_devices(operation, name)) return true;
    if (!waiting.contains(name) && !repeats_by_tensor(operation, name)) return false;
    return watched.is_cpu() || works_on_watched(operation);
}

struct Operation final : at::ObserverContext {
    explicit Operation(bool special) : special(special) { inside += special; }
    const bool special;
};

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& operation) {
    const std::string_view full = operation.name(), name = plain(full);
    const bool to_host = full == to_host_mark, to_device = full == to_device_mark, wait = waits(operation, name);
    const bool counted = to_host || to_device || wait;
    if (inside == 0 && counted) {
        const std::lock_guard lock(mutex);
        if (to_host) ++found.to_host;
        else if (to_device) ++found.to_device;
        else ++found.waits[std::string(name) + (under_way.empty() ? "" : " in " + under_way.front())];
    }
    under_way.emplace_back(name);
    return std::make_unique<Operation>(counted || looking_on_cpu.contains(name));
}

void end(const at::RecordFunction&, at::ObserverContext* context) {
    under_way.pop_back();
    inside -= static_cast<const Operation*>(context)->special;
}

}  // namespace

std::int64_t DeviceWaits::count() const {
    std::int64_t all = 0;
    for (const auto& [name, times] : waits) all += times;
    return all;
}

std::string DeviceWaits::text() const {
    std::string all;
    for (const auto& [name, times] : waits) all += (all.empty() ? "" : ", ") + name + " " + std::to_string(times);
    return all;
}

WaitCounter::WaitCounter(const at::Device& device)
    : handle_((watched = device, found = {},
               at::addGlobalCallback(at::RecordFunctionCallback(begin, end)
                                         .needsInputs(true)
                                         .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION,
                                                  at::RecordScope::USER_SCOPE})))) {}

WaitCounter::~WaitCounter() { at::removeCallback(handle_); }

DeviceWaits WaitCounter::take() {
    const std::lock_guard lock(mutex);
    return std::exchange(found, {});
}

}  // namespace marginalia
