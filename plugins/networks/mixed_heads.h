// The heads of two_heads.h where sites hold real numbers or different numbers of symbols.
#pragma once

#include "mixed_sites.h"

namespace marginalia::two_heads {

// numbers (W) of site d = V_d h_d(x_S) + c_d                              parameters phi_v (D, W, C), phi_c (D, W)
constexpr const char* mixed_heads = R"(
    def logits(self, h: Tensor) -> Tensor:
        return torch.einsum("bdc,dwc->bdw", [h.to(self.phi_v.dtype), self.phi_v]) + (self.phi_c + self.bars)

    def logits_at(self, h: Tensor, site: Tensor) -> Tensor:
        v = self.phi_v.index_select(0, site)
        products = torch.bmm(v, h.to(v.dtype).unsqueeze(2)).squeeze(2)
        return products + (self.phi_c + self.bars).index_select(0, site)
)";

// log p_θ(x_S) = C^-1/2 sum_d u·(h_d(x_S) - h_d(all □)) + sum over d in S of log p_φ(x_d | all □)
constexpr const char* linear_of_mixed = R"(
    def alone(self, x: Tensor) -> Tensor:
        # (B, D)
        blank = torch.full([1, {sites}], {categories}, dtype=x.dtype, device=x.device)
        return self.each_alone(self.logits(self.{phi}features(self.inputs(blank))), x)

    def log_alone(self, x: Tensor) -> Tensor:
        return self.alone(x).sum([1])

    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        return self.scores(h) + self.log_alone(x)

    def log_marginal_profile(self, x: Tensor) -> Tensor:
        h = self.{theta}features(self.marginal_inputs(x))
        score = torch.linear(h.double(), self.theta_u.double()).to(self.theta_u.dtype) * {score_scale}
        return score[:-1] - score[-1:] + self.alone(x).unsqueeze(2)
)";

// log p_θ(x_S) = sum over d in S of sum_m w_m log p(x_d) by the numbers V_md h_d(x_S) + c_md
//                                                                 parameters theta_v (M, D, W, C), theta_c (M, D, W)
constexpr const char* softmax_of_mixed = R"(
    def profile(self, h: Tensor, x: Tensor) -> Tensor:
        products = torch.einsum("bdc,mdwc->bdmw", [h.to(self.theta_v.dtype), self.theta_v])
        numbers = products + (self.theta_c + self.bars).transpose(0, 1)
        held = x.unsqueeze(2).expand(-1, -1, {nodes})
        return self.held_log_p(numbers, held, self.holds_symbols.unsqueeze(1))

    def log_alone(self, x: Tensor) -> Tensor:
        h = torch.zeros([x.size(0), {sites}, self.theta_v.size(3)], dtype=self.theta_v.dtype, device=x.device)
        return self.marginals(h, x)
)";

}  // namespace marginalia::two_heads
