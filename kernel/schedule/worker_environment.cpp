#include "kernel/schedule/worker_environment.h"

#include <cstdlib>

namespace marginalia {
namespace {

const WorkerSetting settings[] = {
    // How long threads spin at OpenMP's barriers before they sleep. Ever spinning, they starve each other as soon as anything else
    // wants the cores (a step took ten times as long on a busy machine of two); sleeping at once, two threads were no faster than one
    // for networks of many small layers. In between, a U-Net's step took two thirds of that, and no longer than either beside another trial.
    {"GOMP_SPINCOUNT", "3000", "OMP_WAIT_POLICY"},
    // A step frees what the next one needs: memory given back to the system and taken again, page by page, was a tenth of a
    // perceptron's step and a third of a circuit's. Huge pages are another twelfth of a transformer's.
    {"GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824:glibc.malloc.hugetlb=1",
     "GLIBC_TUNABLES"},
};

}  // namespace

std::span<const WorkerSetting> worker_settings() { return settings; }

bool left_to_us(const WorkerSetting& setting) { return !std::getenv(setting.name) && !std::getenv(setting.instead); }

}  // namespace marginalia
