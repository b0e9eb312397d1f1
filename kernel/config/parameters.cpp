// The declared parameters of the kernel's own tables. A name, a range or a default changed here changes the hash of
// every trial: finished trials in old stores will then not be found again.
#include "kernel/config/schema.h"

namespace marginalia {
namespace {

constexpr double least_positive = 1e-12;

constexpr Parameter train[] = {
    {.name = "steps",
     .type = ParameterType::integer,
     .fallback = "1000",
     .minimum = 0,
     .unit = "steps",
     .help = "optimiser steps"},
    {.name = "batch",
     .type = ParameterType::integer,
     .fallback = "128",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "states",
     .help = "states per step"},
    {.name = "learning_rate",
     .type = ParameterType::number,
     .fallback = "1e-3",
     .minimum = least_positive,
     .help = "Adam's step size at its highest"},
    {.name = "schedule",
     .type = ParameterType::text,
     .fallback = "\"hold-then-decay\"",
     .choices = "constant|cosine|hold-then-decay",
     .help = "learning rate over time; hold-then-decay: held for half the steps, then a cosine down"},
    {.name = "final_fraction",
     .type = ParameterType::number,
     .fallback = "0.02",
     .minimum = 0,
     .maximum = 1,
     .help = "last learning rate as a fraction of the highest"},
    {.name = "warmup",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .unit = "steps",
     .help = "steps over which the learning rate rises from 0"},
    {.name = "clip",
     .type = ParameterType::number,
     .fallback = "0",
     .minimum = 0,
     .help = "largest norm of the gradient; 0: not clipped"},
    {.name = "beta1",
     .type = ParameterType::number,
     .fallback = "0.9",
     .minimum = 0,
     .maximum = 1,
     .help = "Adam's decay of the mean gradient"},
    {.name = "beta2",
     .type = ParameterType::number,
     .fallback = "0.999",
     .minimum = 0,
     .maximum = 1,
     .help = "Adam's decay of the mean squared gradient"},
    {.name = "weight_decay",
     .type = ParameterType::number,
     .fallback = "0",
     .minimum = 0,
     .help = "decoupled weight decay (AdamW)"},
    {.name = "ema",
     .type = ParameterType::number,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1,
     .help = "decay per step of the averaged weights used in evaluation; 0: none"},
    {.name = "precision",
     .type = ParameterType::text,
     .fallback = "\"float32\"",
     .choices = "float32|bfloat16",
     .help = "arithmetic of the network's passes in training"},
    {.name = "start_from",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "experiment in the same store whose finished trial gives the first weights: the trial of the same seed, "
             "else the one of lowest kl"},
    {.name = "log_every",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .unit = "steps",
     .help = "steps between recorded points of the training curves"},
};

constexpr Parameter evaluation[] = {
    {.name = "every",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .unit = "steps",
     .help = "steps between quick evaluations; 0: only at the end"},
    {.name = "samples",
     .type = ParameterType::integer,
     .fallback = "2000",
     .minimum = 0,
     .unit = "states",
     .help = "states drawn from the model for kl and free_energy, at least 2; 0: off"},
    {.name = "quick_samples",
     .type = ParameterType::integer,
     .fallback = "256",
     .minimum = 0,
     .unit = "states",
     .help = "the same in a quick evaluation, at least 2; 0: off"},
    {.name = "nll_samples",
     .type = ParameterType::integer,
     .fallback = "2000",
     .minimum = 0,
     .unit = "states",
     .help = "reference states for nll_bits; 0: off"},
    {.name = "marginal_states",
     .type = ParameterType::integer,
     .fallback = "512",
     .minimum = 0,
     .unit = "states",
     .help = "partial states for marginal_rmse; 0: off"},
    {.name = "marginal_time",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "time marginal inference against chains of conditionals"},
    {.name = "batch",
     .type = ParameterType::integer,
     .fallback = "512",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "rows",
     .help = "rows per pass of the network"},
    {.name = "pictures",
     .type = ParameterType::integer,
     .fallback = "16",
     .minimum = 0,
     .maximum = 1e4,
     .unit = "states",
     .help = "sampled states kept for pictures; 0: off"},
};

constexpr Parameter run[] = {
    {.name = "device",
     .type = ParameterType::text,
     .fallback = "\"auto\"",
     .help = "auto, cpu, cuda:0, or a list such as cuda:0,cuda:1"},
    {.name = "cores",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 4096,
     .unit = "cores",
     .help = "cores per cpu slot; 0: all cores shared by the slots"},
    {.name = "slots",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 4096,
     .unit = "slots",
     .help = "trials at a time on the cpu; 0: as many as the cores allow"},
    {.name = "time_limit",
     .type = ParameterType::number,
     .fallback = "0",
     .minimum = 0,
     .unit = "s",
     .help = "longest time of a trial; 0: none"},
    {.name = "retries",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1000,
     .unit = "tries",
     .help = "how often a failed trial is tried again"},
    {.name = "checkpoint_seconds",
     .type = ParameterType::number,
     .fallback = "60",
     .minimum = 0,
     .unit = "s",
     .help = "longest time between checkpoints; 0: after every step"},
    {.name = "keep_newest",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "checkpoints",
     .help = "newest checkpoints kept of a trial"},
    {.name = "keep_best",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "metric whose best checkpoint is kept as well; empty: none"},
    {.name = "stop_on_failure",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "start no further trial once one has failed"},
};

template <std::size_t N>
std::vector<ParameterSpec> described(const Parameter (&parameters)[N]) {
    std::vector<ParameterSpec> specs;
    for (const Parameter& parameter : parameters) specs.push_back(describe(parameter));
    return specs;
}

}  // namespace

const std::vector<ParameterSpec>& train_parameters() {
    static const std::vector<ParameterSpec> specs = described(train);
    return specs;
}

const std::vector<ParameterSpec>& evaluation_parameters() {
    static const std::vector<ParameterSpec> specs = described(evaluation);
    return specs;
}

const std::vector<ParameterSpec>& run_parameters() {
    static const std::vector<ParameterSpec> specs = described(run);
    return specs;
}

}  // namespace marginalia
