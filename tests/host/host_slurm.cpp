#include <doctest/doctest.h>
#include <marginalia/error.h>

#include <cstdlib>
#include <fstream>

#include "kernel/host/slurm/job_folder.h"
#include "kernel/host/slurm/slurm.h"
#include "tests/host/data_testing.h"

namespace host_slurm {

using namespace marginalia;

TEST_CASE("the script of a job says what [slurm] asks for and quotes what it runs") {
    SlurmSettings settings;
    settings.partition = "gpu";
    settings.time = "4:00:00";
    settings.options = "--qos=low  --constraint=a100";
    settings.setup = "module load cuda";
    CHECK(job_script(settings, "ising", "/data/a job/log", {"/opt/it's/marginalia", "slurm-task", "/data/a job"}) ==
          R"(#!/bin/bash
# Written by `marginalia submit`. Task K of the array does the trials in tasks/K.db.
#SBATCH --job-name=ising
#SBATCH --output=/data/a job/log/%A_%a.out
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=1
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --partition=gpu
#SBATCH --time=4:00:00
#SBATCH --qos=low
#SBATCH --constraint=a100
module load cuda
exec '/opt/it'\''s/marginalia' 'slurm-task' '/data/a job' "$1"
)");
}

TEST_CASE("a job's folder has the newest copy of each task, whatever else lies there") {
    const data_testing::Folder place;
    const JobFolder folder = JobFolder::make(place.path() / "a.db", "ising");
    CHECK(folder.path() == place.path() / "a.db.slurm" / "ising-1");
    CHECK(JobFolder::make(place.path() / "a.db", "ising").path().filename() == "ising-2");
    CHECK_FALSE(folder.newest(7));
    for (const char* name : {"7-0.db", "7-10.db", "7-9.db", "17-11.db", "7-12.db.part", "7-x.db", "7-.db"})
        std::ofstream(folder.path() / "out" / name) << "x";
    CHECK(folder.newest(7) == folder.handed_over(7, 10));
    CHECK(folder.newest(17) == folder.handed_over(17, 11));
    folder.drop_before(7, 10);
    CHECK(folder.newest(7) == folder.handed_over(7, 10));
    CHECK_FALSE(std::filesystem::exists(folder.handed_over(7, 9)));
    CHECK(std::filesystem::exists(folder.path() / "out" / "7-x.db"));
    CHECK_FALSE(folder.facts());
    folder.write_facts({.experiment = "ising", .jobs = {3, 4}, .tasks = 5, .tasks_per_job = 4, .hand_over = 2});
    CHECK(folder.facts()->jobs == std::vector<std::int64_t>{3, 4});
    std::ofstream(folder.path() / "job.json") << "[1, 2";
    CHECK_THROWS_WITH(folder.facts(), doctest::Contains("job.json does not say what the job is"));
}

TEST_CASE("a process that is not a task of a job says so") {
    ::unsetenv("SLURM_ARRAY_JOB_ID");
    CHECK_THROWS_WITH(this_task(),
                      "this is not a task of a Slurm array job; `marginalia submit FILE` makes one that does "
                      "this");
    ::setenv("SLURM_ARRAY_JOB_ID", "12", 1);
    ::setenv("SLURM_ARRAY_TASK_ID", "x3", 1);
    CHECK_THROWS_AS(this_task(), Error);
    ::setenv("SLURM_ARRAY_TASK_ID", "3", 1);
    CHECK(this_task().task == 3);
    CHECK(this_task().start == 0);
    ::unsetenv("SLURM_ARRAY_JOB_ID");
    ::unsetenv("SLURM_ARRAY_TASK_ID");
}

}  // namespace host_slurm
