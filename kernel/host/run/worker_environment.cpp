#include "kernel/host/run/worker_environment.h"

#include <cstdlib>

namespace marginalia {
namespace {

const WorkerSetting settings[] = {
    // How long threads wait awake at OpenMP's barriers (libgomp's, as in LibTorch's packages) before they sleep.
    // Threads that never
    // sleep starve each other as soon as anything else wants the cores: a step took ten times as long on a busy machine
    // of two. Threads
    // that sleep at once gain nothing on many small layers: a U-Net's step took as long with two as with one. With
    // this, two took two
    // thirds of that, and beside another trial no longer than threads that sleep at once.
    {"GOMP_SPINCOUNT", "3000", "OMP_WAIT_POLICY"},
    // A step frees what the next one needs. Memory given back to the system and taken again, page by page, was a tenth
    // of a perceptron's
    // step and a third of a circuit's; huge pages save another twelfth of a transformer's.
    {"GLIBC_TUNABLES",
     "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824:glibc.malloc.hugetlb=1"},
    // cuBLAS gives the same bits each time only with workspaces of its own size (train.deterministic); it reads this
    // once, before anyone knows what the trials will ask for.
    {"CUBLAS_WORKSPACE_CONFIG", ":4096:8"},
};

}  // namespace

std::span<const WorkerSetting> worker_settings() { return settings; }

bool left_to_us(const WorkerSetting& setting) {
    return !std::getenv(setting.name) && !(setting.overridden_by && std::getenv(setting.overridden_by));
}

}  // namespace marginalia
