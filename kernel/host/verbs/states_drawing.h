// States that the store keeps, as a drawing.
#pragma once

#include <string>

namespace marginalia {

// The text of a sample of kind "states" (docs/store.md) as an SVG document, a square for each site; empty where its
// states have not two dimensions, or it is no such text. Draws the first of many.
std::string states_drawing(const std::string& json);

}  // namespace marginalia
