// An experiment as an array job of Slurm: what the verbs `submit` and `status` do, and what a task of the job does.
#pragma once

#include <iosfwd>

#include "kernel/host/results/table.h"
#include "kernel/host/run/run.h"
#include "kernel/host/slurm/job_folder.h"

namespace marginalia {

// How an experiment is handed over.
struct SubmitTo {
    std::int64_t parts = 0;  // not to Slurm, but to whoever runs so many stores
    bool dry = false;        // to Slurm: prints the script and does nothing
};

// Queues what is missing of an experiment file. For Slurm, writes a job folder beside the store and hands an array job
// to sbatch, which does not wait for its end; the trials are marked in the store, so that nobody else runs them. In
// parts, writes as many stores EXPERIMENT-1.db, ... with its trials into the working folder. Exit codes as those of
// `run`; throws Error where sbatch does not take the job or a store's name is taken, and then nothing is left of it.
int submit_verb(const RunOptions& options, const SubmitTo& to, std::ostream& out);

// One task: trains its trials in a store on the node's own disk, which it hands over every now and then and at its
// end. Where Slurm's warning comes, checkpoints, has itself started again and returns 75.
int task_verb(const JobFolder& folder, std::int64_t first, const RunOptions& options, std::ostream& out);

// The jobs beside the store: their tasks as Slurm sees them, their trials as they were handed over last.
int status_verb(const std::filesystem::path& store, Format format, std::ostream& out);

}  // namespace marginalia
