// How convolutions see the sites of a state: as the grid of a layout of two axes, by 3 x 3, or else in a line, by 1
// x 5.
#pragma once

#include <fmt/format.h>
#include <marginalia/network.h>

#include <string>
#include <vector>

namespace marginalia {

struct SiteGrid {
    explicit SiteGrid(const Domain& domain, bool always_line = false)
        : is_line(always_line || domain.layout.shape.size() != 2), rows(is_line ? 1 : domain.layout.shape[0]),
          columns(domain.sites / rows) {}

    const bool is_line;
    const std::int64_t rows, columns;

    std::int64_t kernel_rows() const { return is_line ? 1 : 3; }
    std::int64_t kernel_columns() const { return is_line ? 5 : 3; }
    std::int64_t taps() const { return kernel_rows() * kernel_columns(); }

    // The same sites at half the resolution.
    SiteGrid halved() const { return {is_line, is_line ? 1 : (rows + 1) / 2, (columns + 1) / 2}; }

    // TorchScript: the convolution of `input` by self.NAME_w and self.NAME_b, as large as the input divided by the
    // stride. Causal: along a line, from the site itself and those before it.
    std::string convolution(const std::string& input, const std::string& name, std::int64_t stride = 1,
                            std::int64_t dilation = 1, bool causal = false) const {
        const std::int64_t across = dilation * (kernel_columns() - 1), down = dilation * (kernel_rows() - 1);
        return fmt::format(
            "torch.conv2d(torch.constant_pad_nd({}, [{}, {}, {}, {}]), self.{}_w, self.{}_b, [{}, {}], [0, 0], [{}, "
            "{}])",
            input, causal ? across : across / 2, causal ? 0 : across / 2, down / 2, down / 2, name, name,
            is_line ? 1 : stride, stride, is_line ? 1 : dilation, dilation);
    }

private:
    SiteGrid(bool line, std::int64_t of_rows, std::int64_t of_columns)
        : is_line(line), rows(of_rows), columns(of_columns) {}
};

}  // namespace marginalia
