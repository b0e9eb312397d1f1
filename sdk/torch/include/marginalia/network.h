// Networks: log p_θ(x_S) of any partial state in one pass, and log p_φ(x_d | x_S) of every unknown site at once.
#pragma once

#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <marginalia/energy_form.h>
#include <marginalia/states.h>
#include <marginalia/torch_tag.h>

namespace at {
class Tensor;
struct Generator;
}  // namespace at
namespace c10 {
struct Device;
}
namespace torch::jit {
struct Module;
}

namespace marginalia {

// What the variables are: D sites of K categories, and how the sites lie. Partial states have K + 1 symbols, K being □.
struct Domain {
    std::int64_t sites = 0;
    std::int64_t categories = 0;
    Layout layout;

    // The energy that a network is built for, so that it can see couplings (pair_graph.h). Null: rows of a dataset, an
    // energy that offers no form, one with hidden units. Only a network's factory is given it, and what the network
    // needs of it goes into buffers: a checkpoint then works without the energy, and train.start_from, which takes
    // parameters alone, brings weights to another energy.
    std::shared_ptr<const EnergyForm> form = {};

    // Where sites differ (Variables::site_list), what each of the D holds: so many symbols, at most `categories`, or 0,
    // a real number. Empty: each holds `categories` symbols.
    std::vector<std::int64_t> site_categories = {};
};

// A marginalization model: a TorchScript module behind one interface (method page "Objects"; arXiv 2310.12920, sec. 4).
//
// The module has
//   log_marginal(x)           (B, D) int64 symbols 0..K -> (B): log p_θ(x_S) in nats, 0 for all □
//   conditional_logits(x)     (B, D) -> (B, D, K): logits of p_φ(x_d | x_S); meaningful where x_d = □
// and may have, where it can do better than the two above,
//   conditional_at(x, site)   (B, D), (B) -> (B, K): the logits of one site a row
//   joint(x, site)            (N, D), (M), M <= N -> ((N), (M, K)): log_marginal of all rows and conditional_at of the
//                             first M, from one pass
//   log_density(x)            (B, D), all sites known -> (B): log_marginal of full states
//   log_marginal_relaxed(p)   (B, D, K) float weights of the symbols, one-hot for a full state -> (B): log_marginal
//                             of full states, differentiable in p
//   sample(u)                 (B, D) uniform numbers in [0, 1) -> (B, D): independent states of p in under D passes
//   complete(x, u)            (B, D), (B, D) uniform numbers -> (B, D): x, its unknown sites drawn from p(. | x_S)
//   em(x, rate)               (B, D), a share of 0 to 1 -> (): goes this share of the way to the weights that
//                             expectation maximisation makes of the rows; the mean of log_marginal(x) before it, nats
//
// A module that knows neither marginals nor conditionals has in place of the two what its objective asks for: a density
// of full states with draws from it, or a decoder. All other methods throw Error then.
//   log_density(x), sample(u)    as above; log p of full states is normalised: discrete-flow
//   decode(z)       (B, L) -> (B, D, K): logits of the sites' symbols, which are independent given the code z. L is the
//                   integer attribute `code`: vae, gan
//   encode(x)       (B, D) symbols 0..K -> (B, 2 L): the means and then the log standard deviations of independent
//                   normal codes, a guess of what p(z | x_S) is: vae
//   judge(p)        (B, D, K) weights of the symbols, one-hot for a full state -> (B): a critic's log odds that they
//                   are of the data: gan
//
// A module inside it, as its attribute `inner`, has weights whose names are given without that word, and so has one
// inside that, so that a checkpoint of it alone fits too. An integer attribute `consistent` that is not 0 says that the
// sum rule holds by construction, so that objectives leave its penalty out.
//
// An integer attribute `mixed` that is not 0 says that the module knows of sites that differ (Domain::site_categories);
// others are refused such domains. Its x then has real numbers as real_sites.h says, and where K logits stand above it
// gives W >= K numbers: W logits of a site of symbols, of which those that it has not are as good as impossible, or
// the mixture of normal densities of a real site. `log_alone(x)`, (B, D) -> (B), is what log_marginal begins as there:
// a sum over known sites of what each alone would have, which a base that knows of them together takes the place of
// (train.base = "gaussian-mixture").
//
// Threads: one at a time. Gradients flow to parameters() unless grad mode is off.
class MARGINALIA_API Network {
public:
    static constexpr std::string_view inner = "inner.";        // before the names of its weights, in the module
    static std::string_view bare_name(std::string_view name);  // without what stands before it

    // Throws Error if the module lacks methods it must have, or does not know of sites that differ.
    Network(torch::jit::Module module, Domain domain);
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    const Domain& domain() const { return domain_; }
    torch::jit::Module& module() const { return *module_; }
    std::vector<at::Tensor> parameters() const;                                // in a fixed order
    std::vector<std::pair<std::string, at::Tensor>> named_parameters() const;  // the same
    void to(const c10::Device& device);

    // From now on no pass of the module has more rows; 0: as many as asked for. What asks for more gets the same from
    // several passes, whose gradients, made anew on the way back, take another forward pass. `em` stays whole.
    void limit_rows(std::int64_t rows);

    // A method of the module which gives for each row of `inputs` (each (B, ...)) a row: (B, ...). Throws Error where
    // the module has none of that name.
    at::Tensor by_rows(const std::string& method, const std::vector<at::Tensor>& inputs) const;

    at::Tensor log_marginal(const at::Tensor& x) const;
    at::Tensor log_density(const at::Tensor& x) const;           // of full states
    at::Tensor log_marginal_relaxed(const at::Tensor& p) const;  // throws Error where the module has no such method
    at::Tensor sample(const at::Tensor& u) const;                // the same
    at::Tensor complete(const at::Tensor& x, const at::Tensor& u) const;  // the same
    at::Tensor em(const at::Tensor& x, double rate) const;                // the same; with grad mode on
    at::Tensor conditional_logits(const at::Tensor& x) const;
    at::Tensor conditional_at(const at::Tensor& x, const at::Tensor& site) const;
    struct Joint;
    Joint joint(const at::Tensor& x, const at::Tensor& site) const;

    bool has_log_density() const { return has_log_density_; }
    bool has_relaxed() const { return has_relaxed_; }
    bool has_sample() const { return has_sample_; }
    bool has_complete() const { return has_complete_; }
    bool consistent() const { return consistent_; }
    bool has(const std::string& method) const;
    std::int64_t code_size() const;  // L of decode(z); 0: it has no codes

private:
    std::int64_t number(const char* attribute) const;  // 0 where it is not there

    std::unique_ptr<torch::jit::Module> module_;
    Domain domain_;
    bool has_conditional_at_ = false;
    bool has_joint_ = false;
    bool has_log_density_ = false;
    bool has_relaxed_ = false;
    bool has_sample_ = false;
    bool has_complete_ = false;
    bool has_em_ = false;
    bool consistent_ = false;
    std::int64_t most_rows_ = 0;  // of a pass; 0: any number
};

// Puts a module together without LibTorch's module headers, which cost a plugin some ten seconds of compile time.
class MARGINALIA_API NetworkBuilder {
public:
    explicit NetworkBuilder(const std::string& name);  // an identifier
    ~NetworkBuilder();
    NetworkBuilder(NetworkBuilder&&) noexcept;

    void parameter(const std::string& name, const at::Tensor& value);  // float32 weights that learn
    // Moves with the module and is saved, but does not learn.
    void buffer(const std::string& name, const at::Tensor& value);
    void constant(const std::string& name, std::int64_t value);  // self.NAME in the source
    void constant(const std::string& name, double value);

    // Methods in TorchScript: Python source, each method indented alike. Throws what is wrong in it, with the line.
    void define(const std::string& source);

    torch::jit::Module* release();  // the module, once; the caller owns it

private:
    std::unique_ptr<torch::jit::Module> module_;
};

inline torch::jit::Module* release_module(NetworkBuilder&& builder) { return builder.release(); }
template <class Module>
Module* release_module(Module&& module) {
    return new Module(std::move(module));
}

// Builds a module with fresh float32 weights drawn from `generator` (a CPU generator).
using NetworkFactory = torch::jit::Module* (*)(const Params&, const Domain&, at::Generator&);

}  // namespace marginalia

// Exports `build`, a function of (const Params&, const Domain&, at::Generator&) that returns a NetworkBuilder or a
// torch::jit::Module, as a network plugin.
#define MARGINALIA_NETWORK(build, name, summary, manual, list)                                             \
    static torch::jit::Module* marginalia_create(const marginalia::Params& p, const marginalia::Domain& d, \
                                                 at::Generator& g) {                                       \
        return marginalia::release_module(build(p, d, g));                                                 \
    }                                                                                                      \
    MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "network", name, summary, manual, list, &marginalia_create, "")
