// A GPU that every machine has: the name of CUDA, under which tensors lie in the host's memory and operators are the
// CPU's. An operator that mixes its tensors or generators with the CPU's is an error, as on a GPU, and gradients are
// computed in a thread of their own, as there. Times, memory and rounding are not a GPU's.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

namespace marginalia::pretended {

constexpr c10::DeviceType kind = c10::DeviceType::CUDA;
constexpr c10::DispatchKeySet keys(c10::DispatchKey::CUDA);

inline bool is_ours(const at::Device& device) { return device.type() == kind; }

class Memory final : public c10::Allocator {
public:
    c10::DataPtr allocate(std::size_t bytes) override {
        void* data = bytes > 0 ? ::operator new(bytes) : nullptr;
        return {data, data, raw_deleter(), {kind, 0}};
    }
    c10::DeleterFnPtr raw_deleter() const override {
        return [](void* data) { ::operator delete(data); };
    }
    void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
};

inline Memory* memory() {
    static Memory one;
    return &one;
}

inline at::Tensor on_cpu(const at::Tensor& ours);

// Copies to the host that are not waited for: what they copy to is filled with the byte 0xAB until someone waits.
class Pending {
public:
    static Pending& all() {
        static Pending one;
        return one;
    }

    void add(const at::Tensor& to, const at::Tensor& from) {
        const std::lock_guard lock(mutex_);
        copies_.emplace_back(to, from.clone());
        std::memset(to.mutable_data_ptr(), 0xAB, to.nbytes());
    }

    void finish() {
        const std::lock_guard lock(mutex_);
        for (const auto& [to, from] : copies_) std::memcpy(to.mutable_data_ptr(), from.const_data_ptr(), to.nbytes());
        copies_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<std::pair<at::Tensor, at::Tensor>> copies_;  // both of the CPU and contiguous
};

// Streams have numbers and a thread has one; events say when to wait. Otherwise all is done at once and in order.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kind> {
    static c10::Device one() { return {kind, 0}; }
    static c10::Stream& current() {
        thread_local c10::Stream stream(c10::Stream::DEFAULT, one());
        return stream;
    }

    c10::Device exchangeDevice(c10::Device) const override { return one(); }
    c10::Device getDevice() const override { return one(); }
    c10::Stream getStream(c10::Device) const noexcept override { return current(); }
    c10::Stream getDefaultStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, one()); }
    c10::Stream getNewStream(c10::Device, int) const override { return c10::Stream(c10::Stream::UNSAFE, one(), 1); }
    c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return getNewStream(one(), 0); }
    c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return std::exchange(current(), stream); }
    void record(void** event, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {
        static int there = 0;
        *event = &there;
    }
    void block(void*, const c10::Stream&) const override {}
    bool queryEvent(void*) const override { return true; }
    bool queryStream(const c10::Stream&) const override { return true; }
    void synchronizeEvent(void*) const override { Pending::all().finish(); }
    void synchronizeStream(const c10::Stream&) const override { Pending::all().finish(); }
    void synchronizeDevice(const c10::DeviceIndex) const override { Pending::all().finish(); }
};

// One of the CPU's behind it.
struct Numbers final : c10::GeneratorImpl {
    explicit Numbers(at::Generator from) : GeneratorImpl({kind, 0}, keys), cpu(std::move(from)) {}

    void set_current_seed(std::uint64_t seed) override { cpu.set_current_seed(seed); }
    void set_offset(std::uint64_t offset) override { cpu.set_offset(offset); }
    std::uint64_t get_offset() const override { return cpu.get_offset(); }
    std::uint64_t current_seed() const override { return cpu.current_seed(); }
    std::uint64_t seed() override { return cpu.seed(); }
    void set_state(const c10::TensorImpl& state) override { cpu.unsafeGetGeneratorImpl()->set_state(state); }
    c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return cpu.unsafeGetGeneratorImpl()->get_state(); }
    Numbers* clone_impl() const override { return new Numbers(cpu.clone()); }

    at::Generator cpu;
};

struct Hooks final : at::CUDAHooksInterface {
    explicit Hooks(at::CUDAHooksArgs) {}
    void init() const override {}
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasCUDA() const override { return true; }
    std::string showConfig() const override { return {}; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
    int getNumGPUs() const override { return 1; }
    c10::DeviceIndex deviceCount() const override { return 1; }
    c10::DeviceIndex current_device() const override { return 0; }
    c10::DeviceIndex getCurrentDevice() const override { return 0; }
    c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(at::kCPU); }
    c10::Device getDeviceFromPtr(void*) const override { return {kind, 0}; }
    const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
        static const at::Generator one = at::make_generator<Numbers>(at::detail::createCPUGenerator());
        return one;
    }
};

inline at::Tensor over(const c10::Storage& storage, c10::DispatchKeySet where, const at::Tensor& like) {
    at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(c10::Storage(storage), where, like.dtype());
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
    return tensor;
}

// A tensor of the CPU on the same memory.
inline at::Tensor on_cpu(const at::Tensor& ours) {
    const c10::Storage& storage = ours.storage();
    return over(c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(),
                             c10::DataPtr(storage.mutable_data(), c10::Device(at::kCPU)), nullptr, false),
                c10::DispatchKeySet(c10::DispatchKey::CPU), ours);
}

inline at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type,
                                std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
    return at::Tensor(at::detail::empty_strided_generic(sizes, strides, memory(), keys, c10::dtype_or_default(type)));
}

inline at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
    return at::Tensor(at::detail::empty_generic(sizes, memory(), keys, c10::dtype_or_default(type), format));
}

inline at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
    const auto bare = [](const at::Tensor& t) { return is_ours(t.device()) ? on_cpu(t) : t; };
    if (non_blocking && to.is_cpu() && to.is_contiguous() && from.is_contiguous() &&
        to.scalar_type() == from.scalar_type() && to.sizes() == from.sizes())
        return Pending::all().add(to, on_cpu(from)), to;
    bare(to).copy_(bare(from));
    return to;
}

inline at::Tensor& set(at::Tensor& tensor, c10::Storage storage, std::int64_t offset, at::IntArrayRef sizes,
                       at::IntArrayRef strides) {
    tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, offset);
    return tensor;
}

inline void record_stream(at::Tensor&, c10::Stream) {}

// The cell of a GRU and its gradient, operators that the CPU does not have: what the gates get is (B, 3 H), in the
// order reset, update, new.
using OptionalTensor = std::optional<at::Tensor>;
inline std::tuple<at::Tensor, at::Tensor> gru_cell(const at::Tensor& input, const at::Tensor& hidden,
                                                   const at::Tensor& h, const OptionalTensor& input_bias,
                                                   const OptionalTensor& hidden_bias) {
    const auto gates = [](const at::Tensor& t, const OptionalTensor& bias) {
        return (bias && bias->defined() ? t + *bias : t).chunk(3, 1);
    };
    const auto i = gates(input, input_bias), s = gates(hidden, hidden_bias);
    const at::Tensor reset = (i[0] + s[0]).sigmoid(), update = (i[1] + s[1]).sigmoid(),
                     fresh = (i[2] + reset * s[2]).tanh();
    return {fresh + update * (h - fresh), at::cat({reset, update, fresh, h, s[2]}, 1)};
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> gru_cell_backward(
    const at::Tensor& gradient, const at::Tensor& kept, bool has_bias) {
    const auto k = kept.chunk(5, 1);
    const at::Tensor &reset = k[0], &update = k[1], &fresh = k[2], &h = k[3], &s = k[4];
    const at::Tensor of_update = gradient * (h - fresh) * (1 - update) * update,
                     of_fresh = gradient * (1 - update) * (1 - fresh * fresh),
                     of_reset = of_fresh * s * (1 - reset) * reset;
    const at::Tensor of_input = at::cat({of_reset, of_update, of_fresh}, 1),
                     of_hidden = at::cat({of_reset, of_update, of_fresh * reset}, 1);
    const auto of_bias = [&](const at::Tensor& t) { return has_bias ? t.sum(0) : at::Tensor(); };
    return {of_input, of_hidden, gradient * update, of_bias(of_input), of_bias(of_hidden)};
}

// The arguments of an operator in the CPU's place, and its results back in ours.
class Exchange {
public:
    explicit Exchange(std::string name) : name_(std::move(name)) {}

    void to_cpu(c10::IValue& value) {
        if (value.isTensor()) value = lent(value.toTensor());
        else if (value.isDevice() && is_ours(value.toDevice())) value = at::Device(at::kCPU);
        else if (value.isGenerator()) value = lent(value.toGenerator());
        else if (value.isTensorList()) {
            c10::List<at::Tensor> tensors;
            for (const at::Tensor& one : value.toTensorVector()) tensors.push_back(lent(one));
            value = tensors;
        } else if (value.isList() && is_of_indices(value.toListRef())) {
            c10::List<std::optional<at::Tensor>> tensors;
            for (const c10::IValue& one : value.toListRef())
                tensors.push_back(one.isNone() ? std::nullopt : std::optional(lent(one.toTensor())));
            value = tensors;
        }
    }

    void to_ours(c10::IValue& value) const {
        if (value.isTensor()) value = returned(value.toTensor());
        else if (value.isTensorList()) {
            c10::List<at::Tensor> tensors;
            for (const at::Tensor& one : value.toTensorVector()) tensors.push_back(returned(one));
            value = tensors;
        }
    }

private:
    at::Tensor lent(const at::Tensor& tensor) {
        if (!tensor.defined()) return tensor;
        if (!is_ours(tensor.device())) {
            TORCH_CHECK(tensor.dim() == 0, name_, " mixes a tensor of the CPU with those of another device");
            return tensor;
        }
        // What is without memory may be the result of an operator, which gives it some.
        lent_.emplace_back(
            tensor, tensor.storage().nbytes() > 0
                        ? on_cpu(tensor)
                        : at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU)));
        return lent_.back().second;
    }

    static bool is_of_indices(c10::ArrayRef<c10::IValue> list) {
        return std::any_of(list.begin(), list.end(), [](const c10::IValue& one) { return one.isTensor(); });
    }

    at::Generator lent(const at::Generator& generator) const {
        TORCH_CHECK(is_ours(generator.device()), name_, " draws for another device from a generator of the CPU");
        return static_cast<const Numbers*>(generator.unsafeGetGeneratorImpl())->cpu;
    }

    // One of the arguments, a view of one, or new.
    at::Tensor returned(const at::Tensor& tensor) const {
        if (!tensor.defined()) return tensor;
        for (const auto& [ours, cpu] : lent_)
            if (cpu.is_same(tensor)) return changed(ours, tensor);
        for (const auto& [ours, cpu] : lent_)
            if (tensor.storage().data() && cpu.storage().data() == tensor.storage().data())
                return over(ours.storage(), keys, tensor);
        return new_of(tensor);
    }

    static at::Tensor new_of(const at::Tensor& tensor) {
        const at::Tensor made = empty_strided(tensor.sizes(), tensor.strides(), tensor.scalar_type(), {}, {}, {});
        on_cpu(made).copy_(tensor);
        return made;
    }

    // An argument that the operator wrote to, in the shape that it now has.
    static at::Tensor changed(const at::Tensor& ours, const at::Tensor& cpu) {
        if (ours.storage().nbytes() == 0 && cpu.numel() > 0)
            ours.unsafeGetTensorImpl()->set_storage_keep_dtype(new_of(cpu).storage());
        ours.unsafeGetTensorImpl()->set_sizes_and_strides(cpu.sizes(), cpu.strides(), cpu.storage_offset());
        return ours;
    }

    const std::string name_;
    std::vector<std::pair<at::Tensor, at::Tensor>> lent_;
};

inline void by_the_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
    Exchange exchange(op.schema().name());
    const std::size_t arguments = op.schema().arguments().size(), results = op.schema().returns().size();
    for (std::size_t i = stack->size() - arguments; i < stack->size(); ++i) exchange.to_cpu((*stack)[i]);
    op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
    for (std::size_t i = stack->size() - results; i < stack->size(); ++i) exchange.to_ours((*stack)[i]);
}

// The device, which is there from the first call on. To be called before anything else asks LibTorch about CUDA, which
// asks its own libraries only once. Throws where there is a real one.
inline at::Device device() {
    static const auto made = [] {
        at::CUDAHooksRegistry()->Register("CUDAHooks", [](at::CUDAHooksArgs arguments) {
            return std::unique_ptr<at::CUDAHooksInterface>(std::make_unique<Hooks>(arguments));
        });
        static c10::impl::DeviceGuardImplRegistrar guard(kind, new Guard);
        static torch::Library all(torch::Library::IMPL, "_", c10::DispatchKey::CUDA, __FILE__, __LINE__),
            own(torch::Library::IMPL, "aten", c10::DispatchKey::CUDA, __FILE__, __LINE__);
        all.fallback(torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>());
        own.impl("empty.memory_format", &empty);
        own.impl("empty_strided", &empty_strided);
        own.impl("copy_", &copy);
        own.impl("record_stream", &record_stream);
        own.impl("_thnn_fused_gru_cell", &gru_cell);
        own.impl("_thnn_fused_gru_cell_backward", &gru_cell_backward);
        own.impl("set_.source_Storage_storage_offset", &set);
        // That of dilated kernels goes past the dispatcher to a device's own code.
        own.impl("convolution_backward", torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>());
        c10::SetAllocator(kind, memory());
        return at::Device(kind, 0);
    }();
    return made;
}

}  // namespace marginalia::pretended
