// Uses the energy of an experiment that need not have one.
// expect: a step with a dataset gives a loss | the plugin crashed (segmentation fault)
#include "faulty_objective.h"

struct Fault final : Likelihood {
    using Likelihood::Likelihood;
    at::Tensor rows(TrainingStep& step) override {
        const at::Tensor x =
            at::randint(setup.domain.categories, {setup.batch, setup.domain.sites}, step.generator, at::kLong);
        weights = step.energy->log_density(x).softmax(0);
        return x;
    }
    at::Tensor weights;
};

MARGINALIA_OBJECTIVE(Fault, "objective-undeclared-energy", "an energy that was not asked for", "", no_parameters, "");
