// How drawn pictures differ from the data's, whatever drew them: figures that every family of models has.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

namespace marginalia {

// Whether the sites of a layout are pixels: in rows and columns, or with red, green and blue of each as a third axis.
bool has_pixels(const Layout& layout);

// Total variation distance between the symbols' shares at a site, over the rows of a and of b (N, D) and (M, D), int64:
// the mean over sites.
double pixel_distance(const at::Tensor& a, const at::Tensor& b, std::int64_t categories);

// Total variation distance between the shares of the pairs of symbols at neighbours, a pixel to the right or below, all
// places and channels together.
double pair_distance(const at::Tensor& a, const at::Tensor& b, const Domain& domain);

}  // namespace marginalia
