// The free energy of a partial state.
#pragma once

#include <vector>

#include "kernel/worker/answer/conditioned.h"
#include "kernel/worker/states/figure_writer.h"

namespace marginalia {

// F(x_S) = -log Z(x_S), where Z(x_S) is the sum of f over all states that have x_S; in nats. Two ways:
//   drawn     -log of the mean of f(x) / p(x_rest | x_S) over states that the model draws given x_S, p that of the
//             conditionals: needs no log Z. Standard error by the delta method
//   marginal  -(log Z + log p(x_S)), in one pass, where the request has log Z, whose standard error it takes over; the
//   gap
//             is that of log p(x_S) to the conditionals'
// One thread.
class FreeEnergy {
public:
    // Throws Error for a dataset, and for a model whose drawn states have no exact density.
    FreeEnergy(Asked& asked, const Conditioned& conditioned);

    void add_drawn(const Generated& drawn);
    std::vector<Figure> finish() const;

private:
    Figure by_draws() const;
    Figure by_marginal() const;
    Figure begun(const std::string& by, std::int64_t count) const;

    Asked& asked_;
    const Conditioned& conditioned_;
    std::vector<at::Tensor> log_weights_;
    double exact_ = not_known;
};

}  // namespace marginalia
