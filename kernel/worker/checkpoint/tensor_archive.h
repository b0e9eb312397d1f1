// The tensors of a checkpoint's archive, read without running code that came with it.
#pragma once

#include <marginalia/state_dict.h>

#include <string>
#include <string_view>

#include "kernel/worker/checkpoint/zip_records.h"

namespace marginalia {

// A TorchScript archive or one that LibTorch's pickle_save wrote. torch::jit::load would compile and run what the
// archive's maker put into it (a module's __setstate__), and its unpickler trusts offsets and strides; this takes
// numbers only, each place in a record having been checked against the record. Memory: the bytes of the records that
// tensors name, once.
class TensorArchive {
public:
    // Throws Error where the archive is damaged; `bytes` must outlive this.
    explicit TensorArchive(std::string_view bytes);

    // Of a module by attribute, with those of modules in it ("body.weight"); of a dict by key. On the CPU. Throws
    // Error.
    StateDict tensors() const;

    // An extra file. Throws Error where it is missing or damaged.
    std::string_view extra(const std::string& name) const { return records_.at("extra/" + name); }

private:
    ZipRecords records_;
};

}  // namespace marginalia
