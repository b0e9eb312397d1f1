#include "kernel/spec/read_root.h"

#include "kernel/spec/extends.h"
#include "kernel/spec/overrides.h"
#include "kernel/spec/sweep.h"

namespace marginalia::config {

Node read_root(std::string_view text, const std::filesystem::path& file, const std::vector<std::string>& overrides,
               const PluginCatalogue& plugins, Faults& faults) {
    std::optional<Node> root = read_with_bases(text, file, faults);
    faults.throw_if_any();
    flatten_sweep(*root, plugins);
    settle_bases(*root, plugins, faults);
    apply_overrides(*root, overrides, plugins, faults);
    return std::move(*root);
}

}  // namespace marginalia::config
