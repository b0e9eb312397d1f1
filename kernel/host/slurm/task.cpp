// What a task of an array job does.
#include <fmt/format.h>
#include <marginalia/error.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>

#include "kernel/host/slurm/hand_over.h"
#include "kernel/host/slurm/job.h"
#include "kernel/host/slurm/slurm.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// A folder on the node's own disk, gone with all that is in it.
class Scratch {
public:
    Scratch() {
        const char *slurm = std::getenv("SLURM_TMPDIR"), *usual = std::getenv("TMPDIR");
        const fs::path above = slurm && *slurm ? slurm : usual && *usual ? usual : "/tmp";
        std::string name = (above / "marginalia-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw Error("cannot make a folder in " + above.string() +
                        " for the task's store; set TMPDIR to one on the node's own disk");
        folder_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;

    fs::path store() const { return folder_ / "marginalia.db"; }

private:
    fs::path folder_;
};

}  // namespace

int task_verb(const JobFolder& folder, std::int64_t first, const RunOptions& given, std::ostream& out) {
    const ArrayTask place = this_task();
    const std::optional<JobFacts> facts = folder.facts();
    if (!facts) throw Error(folder.path().string() + " is not a folder of a submitted job");
    const std::int64_t task = first + place.task;
    const Scratch scratch;
    put_in_place(folder.newest(task).value_or(folder.first_store(task)), scratch.store());

    RunOptions options = given;
    options.store = scratch.store();
    options.experiment = facts->experiment;
    options.no_new = options.of_a_task = true;
    HandOver hand_over(options.store, folder.handed_over(task, place.start), facts->hand_over);
    const int code = resume_verb(options, out);
    hand_over.finish();
    folder.drop_before(task, place.start - 1);  // somebody may still read the last one
    if (code == exit_preempted && !requeue(place))
        std::fprintf(stderr, "scontrol would not start task %lld again; `marginalia submit` does what is left\n",
                     static_cast<long long>(place.task));
    return code;
}

}  // namespace marginalia
