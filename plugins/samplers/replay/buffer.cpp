#include "buffer.h"

#include <ATen/ATen.h>
#include <marginalia/energy_states.h>

#include "chains/device_chains.h"

namespace replay {
namespace {

class OnHost final : public Buffer {
public:
    OnHost(const marginalia::TrainingSetup& setup, std::int64_t size, chains::Start start, at::Generator& generator)
        : chains_(chains::energy_of(setup), size, start, generator), device_(setup.device) {}

    void make_possible() override { chains_.make_possible(); }

    void sweep(const Window& window, std::int64_t sweeps, at::Generator&) override {
        chains::for_each(window.count, [&](std::int64_t i) {
            const std::int64_t chain = window.place(i);
            for (std::int64_t sweep = 0; sweep < sweeps; ++sweep)
                marginalia::heat_bath_sweep(chains_.energy(), chains_.state(chain), 1, chains_.random(chain));
        });
    }

    at::Tensor states(const Window& window) const override {
        std::vector<std::int64_t> places;
        for (std::int64_t i = 0; i < window.count; ++i) places.push_back(window.place(i));
        return marginalia::to_device_states(chains_.rows(places), device_);
    }

    at::Tensor log_f(const at::Tensor& states) const override {
        const std::vector<std::uint8_t> bytes = marginalia::to_bytes(states);
        const marginalia::States rows{bytes, static_cast<std::size_t>(states.size(1))};
        at::Tensor values = at::empty({states.size(0)}, at::kDouble);
        auto* out = values.data_ptr<double>();
        chains::for_each(states.size(0), [&](std::int64_t row) {
            out[row] = chains_.energy().log_density(rows[static_cast<std::size_t>(row)]);
        });
        return marginalia::to_device(values, device_);
    }

    void replace(const Window& window, const at::Tensor& x, const at::Tensor& accepted) override {
        const std::vector<std::uint8_t> bytes = marginalia::to_bytes(x);
        const marginalia::States rows{bytes, static_cast<std::size_t>(x.size(1))};
        const at::Tensor taken = marginalia::to_host(accepted).contiguous();
        for (std::int64_t i = 0; i < window.count; ++i) {
            const marginalia::State row = rows[static_cast<std::size_t>(i)];
            if (taken.const_data_ptr<bool>()[i])
                std::copy(row.begin(), row.end(), chains_.state(window.place(i)).begin());
        }
    }

    void save(marginalia::StateDict& state) const override { chains_.save(state); }
    void load(const marginalia::StateDict& state) override { chains_.load(state); }

private:
    chains::Chains chains_;
    const at::Device device_;
};

class OnDevice final : public Buffer {
public:
    OnDevice(const marginalia::DeviceEnergy& energy, std::int64_t size, chains::Start start, at::Generator& generator)
        : chains_(energy, size, start, generator) {}

    void sweep(const Window& window, std::int64_t sweeps, at::Generator& generator) override {
        const at::Tensor places = places_of(window);
        at::Tensor x = chains_.states().index_select(0, places);
        for (std::int64_t sweep = 0; sweep < sweeps; ++sweep)
            marginalia::heat_bath_sweep(chains_.energy(), x, {}, generator);
        chains_.put(places, x);
    }

    at::Tensor states(const Window& window) const override {
        return chains_.states().index_select(0, places_of(window));
    }

    at::Tensor log_f(const at::Tensor& states) const override { return chains_.energy().log_densities(states); }

    void replace(const Window& window, const at::Tensor& x, const at::Tensor& accepted) override {
        chains_.put(places_of(window), at::where(accepted.unsqueeze(1), x, states(window)));
    }

    void save(marginalia::StateDict& state) const override { chains_.save(state); }
    void load(const marginalia::StateDict& state) override { chains_.load(state); }

private:
    at::Tensor places_of(const Window& window) const {
        const auto whole = chains_.states().options();
        return at::arange(window.first, window.first + window.count, whole).remainder(window.size);
    }

    chains::DeviceChains chains_;
};

}  // namespace

std::unique_ptr<Buffer> make_buffer(const marginalia::TrainingSetup& setup, std::int64_t size, chains::Start start,
                                    at::Generator& generator) {
    chains::energy_of(setup);  // refuses a setup without, on either device
    if (setup.device_energy) return std::make_unique<OnDevice>(*setup.device_energy, size, start, generator);
    return std::make_unique<OnHost>(setup, size, start, generator);
}

}  // namespace replay
