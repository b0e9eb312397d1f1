// How people write values that TOML writes in another way.
#pragma once

#include <string>
#include <string_view>

namespace marginalia::config {

// The sentence's end for a value that is no TOML but is meant as one: "; write 0.5" for .5, "; write true" for True,
// how to have no value for None. "" where nothing can be told.
std::string spelling_remedy(std::string_view value);

}  // namespace marginalia::config
