// TorchScript files that say what they are: modules written in Python and used by plugins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <marginalia/energy.h>
#include <marginalia/network.h>
#include <torch/script.h>

namespace marginalia {

// A file written by torch.jit.save(module, file, _extra_files={"marginalia.json": json.dumps(metadata)}). Keys of the
// metadata, all but `categories` optional:
//   sites        D, a whole number; absent or 0: any
//   categories   K, 2 to 255
//   shape        the layout's extents, slowest first, multiplying to D; absent: a plain sequence
//   periodic     opposite edges are neighbours; absent: false
//   symbols      K words, one for each symbol, for the text of states
//   observables  names of the columns of observe(x), or {"name": ..., "unit": ...}
//   log_z        exact log Z in nats
//   entropy      exact entropy of the target in nats
struct ScriptedFile {
    torch::jit::Module module;  // on the CPU, in evaluation mode as saved
    Domain domain;
    std::vector<std::string> symbols;
    std::vector<Observable> observables;
    std::optional<double> log_z, entropy;
};

// Throws Error naming the file where it cannot be read, is no TorchScript file, has no or wrong metadata, or lacks one
// of the methods.
MARGINALIA_API ScriptedFile open_scripted_file(const std::string& path, const std::vector<std::string>& methods);

// Runs a method of a scripted module on one tensor. What goes wrong in the script becomes an Error of one line with the
// method, the sentence and the line of the Python file.
MARGINALIA_API at::Tensor call_script(const torch::jit::Module& module, const std::string& method, const at::Tensor& x);

}  // namespace marginalia
