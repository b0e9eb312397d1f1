// Samplers whose states come from the energy alone, and which draw those of the next step while this one trains.
#pragma once

#include <memory>
#include <string>

#include <marginalia/sampler.h>

namespace chains {

// Chains that need neither the network nor the trial's generator, but for their making: their random numbers are their
// own. Called from one thread at a time, not always the same.
class Source {
public:
    virtual ~Source() = default;

    virtual at::Tensor draw() = 0;  // the next B states on the CPU, (B, D) bytes or, where sites differ, int64

    // As a sampler's.
    virtual std::string report() const = 0;
    virtual marginalia::StateDict state() const = 0;
    virtual void load(const marginalia::StateDict& state) = 0;
};

// The sampler of a source. With `ahead` a draw begins the next one before it returns, on those of the trial's threads
// that have nothing else to do; where there is but one, when it is asked for. States, report and checkpoints are the
// same as without, bit for bit: what it says of the source is what it was before the draw that is under way (for its
// state this waits). What that throws is thrown where the states are asked for.
class SourceSampler : public marginalia::Sampler {
public:
    SourceSampler(std::unique_ptr<Source> source, const at::Device& device, bool ahead);
    ~SourceSampler() override;

    at::Tensor draw(const marginalia::Network&, at::Generator&) final;
    std::string report() const final;
    marginalia::StateDict state() const final;
    void load(const marginalia::StateDict& state) final;

private:
    struct Next;
    const std::unique_ptr<Source> source_;
    const at::Device device_;
    const bool ahead_;
    const std::unique_ptr<Next> next_;
};

// A sampler plugin of chains of type `Of`. It draws ahead on a GPU; on the CPU, training and chains would share the
// cores.
template <class Of>
class Ahead : public SourceSampler {
public:
    Ahead(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : SourceSampler(std::make_unique<Of>(params, setup, generator), setup.device, !setup.device.is_cpu()) {}
};

}  // namespace chains
