// Makes the data less likely.
// expect: 50 steps lower the true KL | look at the signs and at what is detached
#include "faulty_objective.h"

struct Fault final : Likelihood {
    using Likelihood::Likelihood;
    at::Tensor loss(TrainingStep& step) override { return -Likelihood::loss(step); }
};

MARGINALIA_OBJECTIVE(Fault, "objective-wrong-sign", "a loss that unlearns", "", no_parameters, "dataset");
