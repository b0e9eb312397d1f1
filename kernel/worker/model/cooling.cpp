#include "kernel/worker/model/cooling.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel/worker/model/batch_energy.h"
#include "kernel/worker/model/device_batch_energy.h"

namespace marginalia {
namespace {

// Φ(all □), which all b have in common.
double empty_of(const Energy& energy) {
    const std::vector<std::uint8_t> blank(static_cast<std::size_t>(energy.sites()),
                                          static_cast<std::uint8_t>(energy.categories()));
    const double empty = energy.partial_log_density(blank).value_or(0);
    return std::isfinite(empty) ? empty : 0;
}

class CoolingEnergy final : public Energy {
public:
    CoolingEnergy(const Energy& energy, const double& beta, bool read_ahead)
        : Energy(energy.sites(), energy.categories()), energy_(energy), beta_(beta), empty_(empty_of(energy)),
          read_ahead_(read_ahead) {}

    Layout layout() const override { return energy_.layout(); }
    std::string text(State x) const override { return energy_.text(x); }

    double log_density(State x) const override {
        refuse_reading_ahead();
        return annealed(energy_.log_density(x));
    }
    void log_densities(States rows, std::span<double> out) const override {
        refuse_reading_ahead();
        energy_.log_densities(rows, out);
        for (double& value : out) value = annealed(value);
    }
    std::size_t rows_per_call() const override { return energy_.rows_per_call(); }
    std::vector<Site> site_list() const override { return energy_.site_list(); }
    void mixed_log_densities(States rows, std::span<const double> v, std::span<double> out) const override {
        refuse_reading_ahead();
        energy_.mixed_log_densities(rows, v, out);
        for (double& value : out) value = annealed(value);
    }

    void site_log_densities(State x, std::int64_t site, std::span<double> out) const override {
        refuse_reading_ahead();
        energy_.site_log_densities(x, site, out);
        for (double& value : out) value *= beta_;
    }
    bool differences(State x, std::span<double> out) const override {
        refuse_reading_ahead();
        if (!energy_.differences(x, out)) return false;
        for (double& value : out) value *= beta_;
        return true;
    }
    std::optional<double> partial_log_density(State x) const override {
        const auto value = energy_.partial_log_density(x);
        return value ? std::optional(annealed(*value)) : std::nullopt;
    }

private:
    double annealed(double value) const { return beta_ * value + (1 - beta_) * empty_; }

    // Chains on the host of a GPU draw the next step's states while this one's b still holds, or no longer does.
    void refuse_reading_ahead() const {
        if (read_ahead_)
            throw Error(
                "train.anneal_from: this sampler draws ahead on the host, where b may have changed; on a GPU take "
                "single-site-gibbs, parallel-tempering or replay, or train on the CPU");
    }

    const Energy& energy_;
    const double& beta_;
    const double empty_;
    const bool read_ahead_;
};

class CoolingDeviceEnergy final : public DeviceEnergy {
public:
    CoolingDeviceEnergy(const DeviceEnergy& energy, const double& beta, double empty)
        : DeviceEnergy(energy.device(), energy.sites(), energy.categories(), energy.finite()), energy_(energy),
          beta_(beta), empty_(empty) {
        colours_ = energy.colours();
    }

    at::Tensor log_densities(const at::Tensor& x) const override { return annealed(energy_.log_densities(x)); }
    at::Tensor site_log_densities(const at::Tensor& x, std::size_t colour) const override {
        return energy_.site_log_densities(x, colour) * beta_;
    }
    at::Tensor partial_log_densities(const at::Tensor& x) const override {
        const at::Tensor values = energy_.partial_log_densities(x);
        return values.defined() ? annealed(values) : values;
    }

private:
    at::Tensor annealed(const at::Tensor& values) const { return values * beta_ + (1 - beta_) * empty_; }

    const DeviceEnergy& energy_;
    const double& beta_;
    const double empty_;
};

void require_possible(const TrainSettings& settings, bool on_host, const at::Device& device) {
    if (settings.anneal_from == 1 || settings.anneal_steps == 0)
        throw Error(
            "train.anneal_from and train.anneal_steps go together: where the energy begins, below 1, and in "
            "how many steps it comes to 1; set both or neither");
    if (settings.anneal_steps > settings.steps)
        throw Error(
            fmt::format("train.anneal_steps = {} would end the training of {} steps before the energy is itself; "
                        "give it fewer",
                        settings.anneal_steps, settings.steps));
    if (on_host && !device.is_cpu())
        throw Error("train.anneal_from on a GPU is for energies that can be there (docs/plugins.md); train on the CPU");
}

}  // namespace

Cooling::Cooling(const TrainSettings& settings, const Energy& energy, const DeviceEnergy* there,
                 const std::string& name, const at::Device& device)
    : from_(settings.anneal_from), steps_(static_cast<double>(settings.anneal_steps)),
      energy_(std::make_unique<CoolingEnergy>(energy, beta_, !device.is_cpu())) {
    require_possible(settings, !there, device);
    if (!there) {
        batch_energy_ = std::make_unique<ParallelEnergy>(*energy_, name);
        return;
    }
    there_ = std::make_unique<CoolingDeviceEnergy>(*there, beta_, empty_of(energy));
    batch_energy_ = std::make_unique<DeviceBatchEnergy>(*there_, name);
}

Cooling::~Cooling() = default;

void Cooling::go_to(std::int64_t step) {
    beta_ = from_ + (1 - from_) * std::min(1.0, static_cast<double>(step - 1) / steps_);
}

}  // namespace marginalia
