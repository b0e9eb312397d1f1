// The one array of a .npz file.
#pragma once

#include <string>

namespace marginalia {

// The bytes of the .npy file in a zip archive that holds one. Throws Error where the archive is damaged, packed in
// another way than numpy packs, or holds none or several, which are then named.
std::string only_array(const std::string& zip, const std::string& path);

}  // namespace marginalia
