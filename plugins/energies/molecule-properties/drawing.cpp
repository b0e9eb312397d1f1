#include "molecule-properties/drawing.h"

#include <GraphMol/MolDraw2D/MolDraw2DSVG.h>
#include <GraphMol/MolDraw2D/MolDraw2DUtils.h>

namespace molecule_properties {

std::string drawing(const RDKit::ROMol& molecule) {
    RDKit::MolDraw2DSVG drawer(240, 180);
    drawer.drawOptions().fixedBondLength = 32;  // at most, so that small molecules are not drawn larger than others
    RDKit::MolDraw2DUtils::prepareAndDrawMolecule(drawer, molecule);
    drawer.finishDrawing();
    return drawer.getDrawingText();
}

}  // namespace molecule_properties
