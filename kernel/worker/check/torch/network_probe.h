// Networks of a plugin on the domains that they are tried on.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

#include <memory>
#include <string>
#include <vector>

#include "kernel/worker/check/check.h"

namespace marginalia {

// What samplers and objectives are tried on where no domain is given.
inline GivenDomain tiny_domain() { return {{{4}, false}, 3}; }

Domain domain_of(const GivenDomain& given);

// The domain with the form of an energy: random fields, and random tables of all pairs of neighbours in the layout.
Domain with_couplings(Domain domain);

// "int64 (256, 4)", or "an undefined tensor"
std::string shape_text(const at::Tensor& x);

// Builds the plugin's network with weights from a seed.
class NetworkMaker {
public:
    explicit NetworkMaker(const CheckTarget& target) : target_(target) {}

    std::unique_ptr<Network> make(const Domain& domain, std::uint64_t seed) const {
        return make(domain, seed, target_.params);
    }
    std::unique_ptr<Network> make(const Domain& domain, std::uint64_t seed, const Params& params) const;

private:
    const CheckTarget& target_;
};

// A network on one domain with couplings and the states it is asked about.
struct NetworkProbe {
    NetworkProbe(const NetworkMaker& maker, const Domain& domain);

    const NetworkMaker& maker;
    std::string name;  // of the domain
    Domain domain;
    std::unique_ptr<Network> fresh;    // as built
    std::unique_ptr<Network> network;  // weights disturbed, as both heads may begin at zero
    at::Tensor states;                 // (N, D): all □; random partial ones; random and equal full ones
};

// "all □", "a partial state" or "a full state": what row `row` of the states is.
std::string state_kind(const NetworkProbe& probe, std::int64_t row);

}  // namespace marginalia
