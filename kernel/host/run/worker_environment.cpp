#include "kernel/host/run/worker_environment.h"

#include <cstdlib>
#include <string_view>

#include "kernel/host/run/torch_library.h"

extern char** environ;

namespace marginalia {
namespace {

struct Setting {
    const char* name;
    const char* value;
    const char* overridden_by = nullptr;  // another variable by which a user may have chosen
};

const Setting settings[] = {
    // How long threads wait awake at OpenMP's barriers (libgomp's, as in LibTorch's packages) before they sleep.
    // Threads that never sleep starve each other as soon as anything else wants the cores: a step took ten times as
    // long on a busy machine of two. Threads that sleep at once gain nothing on many small layers: a U-Net's step took
    // as long with two as with one. With this, two took two thirds of that, and beside another trial no longer than
    // threads that sleep at once.
    {"GOMP_SPINCOUNT", "3000", "OMP_WAIT_POLICY"},
    // A step frees what the next one needs. Memory given back to the system and taken again, page by page, was a tenth
    // of a perceptron's step and a third of a circuit's; huge pages save another twelfth of a transformer's.
    {"GLIBC_TUNABLES",
     "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824:glibc.malloc.hugetlb=1"},
    // cuBLAS gives the same bits each time only with workspaces of its own size (train.deterministic); it reads this
    // once, before anyone knows what the trials will ask for.
    {"CUBLAS_WORKSPACE_CONFIG", ":4096:8"},
};

bool left_to_us(const Setting& setting) {
    return !std::getenv(setting.name) && !(setting.overridden_by && std::getenv(setting.overridden_by));
}

// In front of what the user has there; an empty entry would be the working directory.
std::string library_path(const std::filesystem::path& torch) {
    const char* others = std::getenv("LD_LIBRARY_PATH");
    return "LD_LIBRARY_PATH=" + torch.string() + (others && *others ? ":" + std::string(others) : "");
}

}  // namespace

std::vector<std::string> worker_environment(const std::filesystem::path& program) {
    const std::filesystem::path torch = torch_libraries(program);
    std::vector<std::string> environment;
    for (char** entry = environ; *entry; ++entry)
        if (torch.empty() || !std::string_view(*entry).starts_with("LD_LIBRARY_PATH="))
            environment.emplace_back(*entry);
    if (!torch.empty()) environment.push_back(library_path(torch));
    for (const Setting& setting : settings)
        if (left_to_us(setting)) environment.push_back(std::string(setting.name) + "=" + setting.value);
    return environment;
}

}  // namespace marginalia
