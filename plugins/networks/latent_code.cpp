#include "latent_code.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "site_grid.h"
#include "weights.h"

namespace marginalia {
namespace {

constexpr std::int64_t units_a_channel = 8;  // of a perceptron

constexpr const char* perceptron_reader = R"(
    def {p}reads(self, p: Tensor) -> Tensor:
        h = torch.linear(p.flatten(1), self.{p}read0_w, self.{p}read0_b)
        h = torch.linear(torch.silu(h), self.{p}read1_w, self.{p}read1_b)
        return torch.linear(torch.silu(h), self.{p}read_w, self.{p}read_b)
)";

constexpr const char* grid_reader = R"(
    def {p}reads(self, p: Tensor) -> Tensor:
        h = p.transpose(1, 2).reshape(p.size(0), {symbols}, {rows}, {columns})
        h = {full}
        h = {half}
        h = {quarter}
        return torch.linear(torch.silu(h).flatten(1), self.{p}read_w, self.{p}read_b)
)";

constexpr const char* perceptron_decoder = R"(
    def decode(self, z: Tensor) -> Tensor:
        h = torch.linear(z, self.code_w, self.code_b)
        h = torch.linear(torch.silu(h), self.write0_w, self.write0_b)
        return torch.linear(torch.silu(h), self.write_w, self.write_b).view(-1, {sites}, {categories})
)";

constexpr const char* grid_decoder = R"(
    def decode(self, z: Tensor) -> Tensor:
        h = torch.linear(z, self.code_w, self.code_b).view(-1, {channels}, {quarter_rows}, {quarter_columns})
        h = {quarter}
        h = torch.upsample_nearest2d(h, [{half_rows}, {half_columns}])
        h = {half}
        h = torch.upsample_nearest2d(h, [{rows}, {columns}])
        h = {full}
        return h.flatten(2).transpose(1, 2) + self.places
)";

}  // namespace

LatentCode::LatentCode(const Params& params, const Domain& domain)
    : domain_(domain), code_(params.integer("code")), width_(params.integer("width")),
      perceptron_(params.text("body") == "perceptron" || domain.layout.shape.size() > 2) {}

std::string LatentCode::add_reader(NetworkBuilder& network, const std::string& prefix, std::int64_t symbols,
                                   std::int64_t outputs, at::Generator& generator) const {
    Layers layers(network, generator);
    if (perceptron_) {
        const std::int64_t units = units_a_channel * width_;
        layers.linear(prefix + "read0", domain_.sites * symbols, units);
        layers.linear(prefix + "read1", units, units);
        layers.linear(prefix + "read", units, outputs, true);
        return fmt::format(perceptron_reader, fmt::arg("p", prefix));
    }
    const SiteGrid grid(domain_), quarter = grid.halved().halved();
    layers.convolution(prefix + "read0", grid, symbols, width_);
    layers.convolution(prefix + "read1", grid, width_, 2 * width_);
    layers.convolution(prefix + "read2", grid, 2 * width_, 2 * width_);
    layers.linear(prefix + "read", 2 * width_ * quarter.rows * quarter.columns, outputs, true);
    return fmt::format(grid_reader, fmt::arg("p", prefix), fmt::arg("symbols", symbols), fmt::arg("rows", grid.rows),
                       fmt::arg("columns", grid.columns), fmt::arg("full", grid.convolution("h", prefix + "read0")),
                       fmt::arg("half", grid.convolution("torch.silu(h)", prefix + "read1", 2)),
                       fmt::arg("quarter", grid.convolution("torch.silu(h)", prefix + "read2", 2)));
}

std::string LatentCode::add_decoder(NetworkBuilder& network, at::Generator& generator) const {
    Layers layers(network, generator);
    network.constant("code", code_);
    if (perceptron_) {
        const std::int64_t units = units_a_channel * width_;
        layers.linear("code", code_, units);
        layers.linear("write0", units, units);
        layers.linear("write", units, domain_.sites * domain_.categories);
        return fmt::format(perceptron_decoder, fmt::arg("sites", domain_.sites),
                           fmt::arg("categories", domain_.categories));
    }
    const SiteGrid grid(domain_), half = grid.halved(), quarter = half.halved();
    layers.linear("code", code_, 2 * width_ * quarter.rows * quarter.columns);
    layers.convolution("write2", grid, 2 * width_, 2 * width_);
    layers.convolution("write1", grid, 2 * width_, width_);
    layers.convolution("write0", grid, width_, domain_.categories);
    network.parameter("places", at::zeros({domain_.sites, domain_.categories}));
    return fmt::format(grid_decoder, fmt::arg("channels", 2 * width_), fmt::arg("quarter_rows", quarter.rows),
                       fmt::arg("quarter_columns", quarter.columns), fmt::arg("half_rows", half.rows),
                       fmt::arg("half_columns", half.columns), fmt::arg("rows", grid.rows),
                       fmt::arg("columns", grid.columns),
                       fmt::arg("quarter", grid.convolution("torch.silu(h)", "write2")),
                       fmt::arg("half", grid.convolution("torch.silu(h)", "write1")),
                       fmt::arg("full", grid.convolution("torch.silu(h)", "write0")));
}

}  // namespace marginalia
