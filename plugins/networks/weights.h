// Weights as layers begin.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/network.h>

#include <cmath>
#include <string>
#include <vector>

#include "site_grid.h"

namespace marginalia {

// Registers NAME_w and NAME_b of layers, uniform in ±1/sqrt(inputs) as torch.nn.Linear begins, or zero.
class Layers {
public:
    Layers(NetworkBuilder& network, at::Generator& generator) : network_(network), generator_(generator) {}

    void linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, bool zero = false) {
        add(name, {outputs, inputs}, inputs, zero);
    }
    void convolution(const std::string& name, const SiteGrid& grid, std::int64_t inputs, std::int64_t outputs,
                     bool zero = false) {
        add(name, {outputs, inputs, grid.kernel_rows(), grid.kernel_columns()}, inputs * grid.taps(), zero);
    }

private:
    void add(const std::string& name, const std::vector<std::int64_t>& shape, std::int64_t inputs, bool zero) {
        const double bound = 1 / std::sqrt(static_cast<double>(inputs));
        network_.parameter(name + "_w", zero ? at::zeros(shape) : at::empty(shape).uniform_(-bound, bound, generator_));
        network_.parameter(name + "_b", at::zeros({shape[0]}));
    }

    NetworkBuilder& network_;
    at::Generator& generator_;
};

}  // namespace marginalia
