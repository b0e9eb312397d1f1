#include <GraphMol/Descriptors/MolDescriptors.h>

#include "molecule-properties/property.h"

namespace molecule_properties {
namespace {

class Weight final : public Property {
public:
    std::string name() const override { return "molecular_weight"; }
    std::string unit() const override { return "g/mol"; }
    bool needs_all() const override { return false; }
    double value(const RDKit::ROMol& molecule) const override { return RDKit::Descriptors::calcAMW(molecule); }
};

}  // namespace

std::shared_ptr<const Property> molecular_weight() { return std::make_shared<Weight>(); }

}  // namespace molecule_properties
