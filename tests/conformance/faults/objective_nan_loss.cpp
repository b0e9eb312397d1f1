// The logarithm of a number below 0.
// expect: a step gives a loss | the loss of step 1 is NaN; it must be finite
#include "faulty_objective.h"

struct Fault final : Likelihood {
    using Likelihood::Likelihood;
    at::Tensor loss(TrainingStep& step) override { return (-Likelihood::loss(step)).log(); }
};

MARGINALIA_OBJECTIVE(Fault, "objective-nan-loss", "a loss that is not a number", "", no_parameters, "dataset");
