// Molecules drawn.
#pragma once

#include <string>

#include <GraphMol/ROMol.h>

namespace molecule_properties {

// The structural formula as an SVG document of 240 x 180 pixels.
std::string drawing(const RDKit::ROMol& molecule);

}  // namespace molecule_properties
