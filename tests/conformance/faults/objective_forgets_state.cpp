// Goes through the data in order and does not save where it is.
// expect: resume equals unbroken | put all that steps change, own parameters included, into state() and load()
#include "faulty_objective.h"

struct Fault final : Likelihood {
    using Likelihood::Likelihood;
    at::Tensor rows(TrainingStep& step) override {
        const auto size = static_cast<std::int64_t>(step.dataset->size(Split::train));
        const at::Tensor indices = (at::arange(setup.batch, at::kLong) + next).remainder(size);
        next += setup.batch;
        return read(*step.dataset, indices);
    }
    std::int64_t next = 0;
};

MARGINALIA_OBJECTIVE(Fault, "objective-forgets-state", "a place in the data that a resume loses", "", no_parameters,
                     "dataset");
