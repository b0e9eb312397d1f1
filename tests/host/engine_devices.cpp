// What the host knows of a device: its name to a worker, its memory, and what a failure says.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include "kernel/host/run/device_faults.h"
#include "kernel/host/run/devices.h"
#include "kernel/host/run/slots.h"

using namespace marginalia;

TEST_CASE("what a driver says of a failure") {
    CHECK(device_fault("CUDA error: an illegal memory access was encountered") == DeviceFault::context);
    CHECK(device_fault("CUDA error: unspecified launch failure") == DeviceFault::context);
    CHECK(device_fault("CUDA error: uncorrectable ECC error encountered") == DeviceFault::lost);
    CHECK(device_fault("Unable to determine the device handle: GPU is lost. Reboot the system") == DeviceFault::lost);
    CHECK(device_fault("CUDA error: device-side assert triggered") == DeviceFault::none);
    CHECK(device_fault("CUDA out of memory. Tried to allocate 20.00 GiB") == DeviceFault::none);
}

TEST_CASE("a worker sees its device by the entry of the user's own list") {
    CHECK(visible_entry(nullptr, 1) == "1");
    CHECK(visible_entry("", 0) == "0");
    CHECK(visible_entry("3,5", 1) == "5");
    CHECK(visible_entry(" GPU-b3f5d1e0 , MIG-1/2/3", 0) == "GPU-b3f5d1e0");
    CHECK(visible_entry("GPU-b3f5d1e0,MIG-1/2/3", 1) == "MIG-1/2/3");
    TorchReport torch{.driver = "580.65.06, CUDA 13.0", .gpus = {{"A", "GPU-a", 80}, {"B", "GPU-b", 90}}};
    const Device second = described_device("cuda:1", torch, "7,GPU-b");
    CHECK(second.visible == "GPU-b");
    CHECK(second.hardware.name == "B");
    CHECK(second.hardware.id == "GPU-b");
    CHECK(second.hardware.memory == 90);
    CHECK(second.hardware.driver == "580.65.06, CUDA 13.0");
    CHECK(second.text() == "cuda:1 (B)");
    CHECK(described_device("cpu", torch, nullptr).visible == "");
    CHECK_FALSE(described_device("cpu", {}, nullptr).visible);
    CHECK(Slot{"cuda:3", 1}.torch_device() == "cuda:0");
    CHECK(Slot{"fake:3", 1}.torch_device() == "cpu");
}

TEST_CASE("the driver's management library measures a GPU by its UUID") {
    const Device there{.name = "cuda:0", .hardware = {.id = "GPU-there"}};
    // A library of this name that is loaded already goes before those that lie in the system.
    REQUIRE(::dlopen(FAKE_NVML, RTLD_NOW));
    const DeviceMeter meter;
    const auto memory = meter.memory(there);
    REQUIRE(memory);
    CHECK(memory->total == 80);
    CHECK(memory->free == 60);
    CHECK_FALSE(meter.is_lost(there));
    const Device lost{.name = "cuda:1", .hardware = {.id = "GPU-lost"}}, unknown{.name = "cuda:2"};
    CHECK_FALSE(meter.memory(lost));
    CHECK(meter.is_lost(lost));
    CHECK_FALSE(meter.memory(unknown));
    CHECK_FALSE(meter.is_lost(unknown));
    CHECK_FALSE(meter.memory({.name = "cpu"}));
}
