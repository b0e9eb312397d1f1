// Seconds per training step against the time of the same matrix products alone, in one process.
//
//   step_bench [steps]     prints a table; the published perceptron on the 10x10 Ising model, float32
#include <cstdio>
#include <functional>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "bench/timing.h"
#include "bench/training_steps.h"
#include "unit/trial_fixture.h"

using namespace marginalia;

namespace {

// One layer's products: rows x inputs times inputs x outputs forward, and the two of the backward pass.
struct Layer {
    at::Tensor x, w, y;
    Layer(std::int64_t rows, std::int64_t inputs, std::int64_t outputs)
        : x(at::rand({rows, inputs})), w(at::rand({outputs, inputs})), y(at::rand({rows, outputs})) {}
    void forward() { at::mm_out(y, x, w.t()); }
    void backward_weights() { at::mm_out(w, y.t(), x); }
    void backward_input() { at::mm_out(x, y, w); }
};

// The products one step of mam-energy cannot do without: `sites` conditional passes of B rows, then one pass of 3 B
// rows forward and backward (no gradient of the one-hot input).
class BareProducts {
public:
    BareProducts(std::int64_t batch, std::int64_t inputs, std::int64_t hidden, std::int64_t layers, std::int64_t sites)
        : sites_(sites) {
        for (std::int64_t l = 0; l < layers; ++l) {
            gibbs_.emplace_back(batch, l == 0 ? inputs : hidden, hidden);
            fused_.emplace_back(3 * batch, l == 0 ? inputs : hidden, hidden);
        }
    }

    void run() {
        for (std::int64_t i = 0; i < sites_; ++i)
            for (Layer& layer : gibbs_) layer.forward();
        for (Layer& layer : fused_) layer.forward();
        for (auto layer = fused_.rbegin(); layer != fused_.rend(); ++layer) {
            layer->backward_weights();
            if (layer + 1 != fused_.rend()) layer->backward_input();
        }
    }

private:
    const std::int64_t sites_;
    std::vector<Layer> gibbs_, fused_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::string steps = argc > 1 ? argv[1] : "10";
    configure_torch(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
    const std::string experiment =
        "name = \"bench\"\n[energy]\nplugin = \"ising\"\n[network]\nplugin = \"mlp\"\nhidden = 2048\nlayers = 4\n"
        "[sampler]\nplugin = \"block-gibbs\"\nsites = 4\n[objective]\nplugin = \"mam-energy\"\n[evaluation]\nsamples = "
        "0\n"
        "nll_samples = 0\nmarginal_states = 0\n[train]\nbatch = 512\nlog_every = 1\nsteps = " +
        steps + "\n";
    BareProducts products(512, 300, 2048, 4, 4);
    products.run();
    std::vector<double> bare;
    for (int i = 0; i < 5; ++i) bare.push_back(seconds([&] { products.run(); }));
    const std::vector<double> step = step_seconds(request_of(experiment));
    for (int i = 0; i < 5; ++i) bare.push_back(seconds([&] { products.run(); }));
    std::printf("mlp 4 x 2048, batch 512, 10x10 Ising, float32, %d threads\n", at::get_num_threads());
    std::printf("  training step          %8.3f s (median of %zu)\n", median(step), step.size());
    std::printf("  its matrix products    %8.3f s (median of %zu, half before and half after)\n", median(bare),
                bare.size());
    std::printf("  ratio                  %8.3f (aim: 1.25)\n", median(step) / median(bare));
}
