// What passes between the host and a device that is not the CPU: as bytes, without waiting, and with the CPU's results.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <marginalia/energy_states.h>
#include <marginalia/host.h>
#include <marginalia/rows.h>

#include "kernel/worker/model/batch_energy.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/fake_device.h"
#include "tests/worker/trial_fixture.h"

namespace fake_device {
namespace {

constexpr auto type = c10::DeviceType::HPU;
constexpr c10::DispatchKeySet keys(c10::DispatchKey::HPU);

// Everything that threads share.
struct Machine {
    std::mutex mutex;
    std::vector<std::function<void()>> copies;  // not made yet, in their order
    Counts counts;
};
Machine& machine() {
    static Machine the_machine;
    return the_machine;
}

void make_copies() {
    const std::lock_guard lock(machine().mutex);
    ++machine().counts.waits;
    for (const auto& copy : std::exchange(machine().copies, {})) copy();
}

struct Memory final : c10::Allocator {
    explicit Memory(c10::DeviceType of) : device(of, of == type ? 0 : -1) {}
    c10::DataPtr allocate(std::size_t bytes) override {
        if (device.is_cpu()) {
            const std::lock_guard lock(machine().mutex);
            ++machine().counts.pinned;
        }
        void* data = std::malloc(std::max<std::size_t>(bytes, 1));
        return {data, data, &std::free, device};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
    void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
    const c10::Device device;
};
Memory own_memory{type}, pinned_memory{c10::DeviceType::CPU};

std::atomic<bool> opened = false;

struct Hooks final : at::HPUHooksInterface {
    explicit Hooks(at::HPUHooksArgs) {}
    void init() const override {}
    bool hasHPU() const override { return opened; }
    bool isBuilt() const override { return opened; }
    bool isAvailable() const override { return opened; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return opened; }
    at::DeviceIndex deviceCount() const override { return opened ? 1 : 0; }
    const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
        return at::detail::getDefaultCPUGenerator();
    }
    c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_memory; }
};

c10::Stream numbered(c10::Device device, c10::StreamId id) { return c10::Stream(c10::Stream::UNSAFE, device, id); }

struct Guard final : c10::impl::DeviceGuardImplInterface {
    c10::DeviceType type() const override { return fake_device::type; }
    c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
    c10::Device getDevice() const override { return {fake_device::type, 0}; }
    void setDevice(c10::Device) const override {}
    void uncheckedSetDevice(c10::Device) const noexcept override {}
    c10::Stream getStream(c10::Device device) const override { return numbered(device, stream); }
    c10::Stream getDefaultStream(c10::Device device) const override { return numbered(device, 0); }
    c10::Stream getStreamFromGlobalPool(c10::Device device, bool) const override { return numbered(device, 1); }
    c10::Stream exchangeStream(c10::Stream next) const override {
        return numbered(next.device(), std::exchange(stream, next.id()));
    }
    void record(void** event, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {
        *event = &machine();  // every event is of all copies
    }
    void block(void*, const c10::Stream&) const override {}
    void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
    void synchronizeEvent(void*) const override { make_copies(); }
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }

private:
    static thread_local c10::StreamId stream;
};
thread_local c10::StreamId Guard::stream = 0;

// Before the first backward pass, when LibTorch counts devices.
Guard guard;
const c10::impl::DeviceGuardImplRegistrar registered(type, &guard);

at::Tensor empty(c10::IntArrayRef sizes, std::optional<at::ScalarType> scalar, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
    return at::detail::empty_generic(sizes, &own_memory, keys, scalar.value_or(at::kFloat), format);
}

at::Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides, std::optional<at::ScalarType> scalar,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
    return at::detail::empty_strided_generic(sizes, strides, &own_memory, keys, scalar.value_or(at::kFloat));
}

// The same memory as a tensor of the CPU, which it keeps alive.
at::Tensor on_cpu(const at::Tensor& x) {
    if (x.is_cpu()) return x;
    return at::from_blob(x.data_ptr(), x.sizes(), x.strides(), [x](void*) {}, x.options().device(at::kCPU));
}

// What is asked for without waiting is made when an event is waited for; a plain copy to the host waits for all.
at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool without_waiting) {
    const bool to_host = to.is_cpu();
    {
        const std::lock_guard lock(machine().mutex);
        const auto bytes = static_cast<std::int64_t>(from.nbytes());
        if (to_host) machine().counts.bytes_to_host += bytes;
        else if (from.is_cpu()) machine().counts.bytes_to_device += bytes;
        if (to_host && without_waiting) {
            machine().copies.emplace_back([from, to] { at::Tensor(to).copy_(on_cpu(from)); });
            return to;
        }
    }
    if (to_host) make_copies();
    on_cpu(to).copy_(on_cpu(from));
    return to;
}

const at::Tensor& resized(const at::Tensor& x, c10::IntArrayRef sizes, std::optional<at::MemoryFormat>) {
    const at::Tensor other = empty(sizes, x.scalar_type(), {}, {}, {}, {});
    x.unsafeGetTensorImpl()->set_storage_keep_dtype(other.storage());
    x.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
    return x;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
    if (to.sizes() != from.sizes()) resized(to, from.sizes(), {});
    return copy_from(from, to, false);
}

void record_stream(at::Tensor&, c10::Stream) {}

void on_the_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
    at::native::cpu_fallback(operation, stack);
}

}  // namespace

}  // namespace fake_device
namespace at {
C10_REGISTER_CLASS(HPUHooksRegistry, HPUHooks, fake_device::Hooks)
}
namespace fake_device {

at::Device open() {
    opened = true;
    return {type, 0};
}

Counts counts() {
    const std::lock_guard lock(machine().mutex);
    return machine().counts;
}

std::int64_t open_copies() {
    const std::lock_guard lock(machine().mutex);
    return static_cast<std::int64_t>(machine().copies.size());
}

TORCH_LIBRARY_IMPL(aten, HPU, library) {
    library.impl("empty.memory_format", empty);
    library.impl("empty_strided", empty_strided);
    library.impl("as_strided", at::native::as_strided_tensorimpl);
    library.impl("view", at::native::view);
    library.impl("_reshape_alias", at::native::_reshape_alias);
    library.impl("resize_", resized);
    library.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
    library.impl("set_.source_Tensor", at::native::set_tensor_);
    library.impl("_copy_from", copy_from);
    library.impl("_copy_from_and_resize", copy_from_and_resize);
    library.impl("record_stream", record_stream);
}

TORCH_LIBRARY_IMPL(_, HPU, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>()); }

}  // namespace fake_device

namespace train_fake_device {

using namespace marginalia;

namespace {

at::Tensor some_states(std::int64_t rows, std::int64_t sites, std::int64_t categories) {
    at::Generator generator = make_generator(at::kCPU, 1, 7);
    return at::randint(categories, {rows, sites}, generator, at::kLong);
}

// Sums of symbols, and -infinity for a row of zeros.
struct Sums final : Energy {
    Sums() : Energy(5, 3) {}
    double log_density(State x) const override {
        double sum = 0;
        for (const std::uint8_t symbol : x) sum += symbol;
        return sum > 0 ? std::sqrt(sum) : -INFINITY;
    }
    std::optional<double> partial_log_density(State x) const override { return log_density(x) / 3; }
};

struct Broken final : Energy {
    Broken() : Energy(5, 3) {}
    double log_density(State) const override { throw Error("no"); }
};

}  // namespace

TEST_CASE("a copy to the host is begun by nobody's waiting, and there when it is waited for") {
    const at::Device device = fake_device::open();
    const at::Tensor x = some_states(40, 5, 3), there = to_device(x, device);
    CHECK(there.device() == device);
    const auto before = fake_device::counts();
    const HostCopy copy(there.t());
    CHECK(fake_device::counts().waits == before.waits);
    CHECK(fake_device::open_copies() == 1);
    CHECK(at::equal(copy.wait(), x.t()));
    CHECK(copy.wait().is_contiguous());
    CHECK(fake_device::open_copies() == 0);
    CHECK(HostCopy(x).wait().data_ptr() == x.data_ptr());
}

TEST_CASE("what is copied to a device may be changed at once") {
    at::Tensor x = at::arange(6);
    const at::Tensor there = to_device(x, fake_device::open());
    x.zero_();
    CHECK(at::equal(to_host(there), at::arange(6)));
}

TEST_CASE("energies of states on a device are those of the CPU, whose states travel as bytes") {
    const at::Device device = fake_device::open();
    const Sums energy;
    at::Tensor x = some_states(200, 5, 3);
    x.select(1, 0).fill_(1);
    x[7].zero_();
    ParallelEnergy parallel(energy, "sums");
    const at::Tensor expected = parallel.log_density(x);
    CHECK(parallel.impossible() == 1);

    const at::Tensor there = x.to(device);
    const auto before = fake_device::counts();
    parallel.start(there);
    const at::Tensor found = parallel.finish();
    const auto after = fake_device::counts();
    CHECK(parallel.impossible() == 1);
    CHECK(found.device() == device);
    CHECK(at::equal(found.cpu(), expected));
    CHECK(after.waits - before.waits == 1);
    CHECK(after.bytes_to_host - before.bytes_to_host == 200 * 5);
    CHECK(after.bytes_to_device - before.bytes_to_device == 200 * 8);
    CHECK(after.pinned - before.pinned == 2);

    const PartialDensities partial(energy, there);
    CHECK(at::equal(partial.values().cpu(), PartialDensities(energy, x).values()));

    const Broken broken;
    ParallelEnergy fails(broken, "broken");
    fails.start(there);
    CHECK_THROWS_WITH_AS(fails.finish(), "energy 'broken': no", Error);
    fails.start(there);  // and is let go unfinished
}

TEST_CASE("rows gathered on a device are those that the host would have read") {
    struct Rows final : Dataset {
        Rows() : Dataset(6, 250) {}
        std::size_t size(Split split) const override { return split == Split::train ? 300 : 0; }
        void row(Split, std::size_t index, std::span<std::uint8_t> out) const override {
            for (std::size_t site = 0; site < out.size(); ++site)
                out[site] = static_cast<std::uint8_t>((index * 7 + site * site) % 250);
        }
    } dataset;
    const at::Device device = fake_device::open();
    const at::Tensor rows = all_rows(dataset, Split::train).to(device);
    CHECK(rows.nbytes() == 300 * 6);
    at::Generator one = make_generator(at::kCPU, 3, 2), other = make_generator(at::kCPU, 3, 2);
    for (int i = 0; i < 3; ++i) {
        const at::Tensor read = random_rows(dataset, Split::train, 64, one, at::kCPU);
        const at::Tensor gathered = random_rows(rows, 64, other);
        CHECK(gathered.device() == device);
        CHECK((gathered.scalar_type() == at::kLong));
        CHECK(at::equal(gathered.cpu(), read));
    }
    CHECK_THROWS_WITH_AS(random_rows(all_rows(dataset, Split::test), 3, one),
                         "the dataset's split has no rows to draw from; give it some, or use another split", Error);
}

}  // namespace train_fake_device
