// Makes the data more likely by the conditionals and less likely by the marginals.
// expect: 50 steps lower the true KL | take the KL of the marginals from
#include "faulty_objective.h"

struct Fault final : Likelihood {
    using Likelihood::Likelihood;
    at::Tensor loss(TrainingStep& step) override {
        const at::Tensor conditionals = Likelihood::loss(step);
        return conditionals + step.network.log_marginal(rows(step)).mean();
    }
};

MARGINALIA_OBJECTIVE(Fault, "objective-marginals-wrong-way", "marginals that unlearn", "", no_parameters, "dataset");
