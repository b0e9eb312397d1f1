// Its chains are not part of its state.
// expect: resume equals unbroken | put the chains, and whatever else the next draw depends on, into state()
#include "faulty_sampler.h"

struct Fault final : Chains {
    using Chains::Chains;
    StateDict state() const override { return {}; }
    void load(const StateDict&) override {}
};

MARGINALIA_SAMPLER(Fault, "sampler-forgets-chains", "chains that a resume loses", "", no_parameters);
