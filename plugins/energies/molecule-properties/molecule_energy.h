// Energies that want properties of molecules to have given values.
#pragma once

#include <marginalia/energy.h>

#include <memory>
#include <string>
#include <vector>

#include "molecule-properties/property.h"
#include "molecule-properties/token_rows.h"
#include "molecule-properties/value_cache.h"

namespace molecule_properties {

// One property's part of log f: -weight (value - target)^2 / temperature.
struct Target {
    std::shared_ptr<const Property> property;
    double target;
    double temperature;
    double weight = 1;
};

// Parameters that all of these plugins have; each lists them behind its own.
constexpr marginalia::Parameter tokens_parameter = {
    .name = "tokens",
    .type = marginalia::ParameterType::text,
    .fallback = "\"selfies\"",
    .choices = "selfies|smiles",
    .help = "what a site holds: a token of SELFIES, of which every row is a molecule, or a character of SMILES"};
constexpr marginalia::Parameter alphabet_parameter = {
    .name = "alphabet",
    .type = marginalia::ParameterType::text,
    .fallback = "\"moses\"",
    .help = "the tokens or characters, one after another, the padding aside; moses: the 26 of MOSES"};
constexpr marginalia::Parameter length_parameter = {.name = "length",
                                                    .type = marginalia::ParameterType::integer,
                                                    .fallback = "55",
                                                    .minimum = 1,
                                                    .maximum = 10000,
                                                    .unit = "tokens",
                                                    .help = "sites, D"};
constexpr marginalia::Parameter invalid_parameter = {
    .name = "invalid",
    .type = marginalia::ParameterType::number,
    .fallback = "-10000.0",
    .minimum = -1e9,
    .maximum = 0,
    .unit = "nats",
    .help = "log f of a row that is no molecule, and the least that any row has"};
constexpr marginalia::Parameter cache_parameter = {.name = "cache_megabytes",
                                                   .type = marginalia::ParameterType::integer,
                                                   .fallback = "256",
                                                   .minimum = 0,
                                                   .maximum = 1000000,
                                                   .unit = "MB",
                                                   .help = "memory for values of molecules seen before; 0: none"};
constexpr const char* temperature_help = "tau in log f = -(value - target)^2 / tau";

class MoleculeEnergy : public marginalia::Energy {
public:
    MoleculeEnergy(const marginalia::Params& params, std::vector<Target> targets);

    double log_density(marginalia::State x) const override;
    void site_log_densities(marginalia::State x, std::int64_t site, std::span<double> out) const override;
    std::vector<marginalia::Observable> observables() const override;
    void observe(marginalia::State x, std::span<double> values) const override;
    std::string text(marginalia::State x) const override { return rows_.text(x); }
    void parse(std::string_view line, std::span<std::uint8_t> out) const override { rows_.parse(line, out); }
    bool keeps(std::string_view line, marginalia::State x) const override { return rows_.keeps(line, x); }
    std::string identity(marginalia::State x) const override;
    std::string picture(marginalia::State x) const override;
    double diversity(marginalia::States rows) const override;

private:
    // Each property's value, then heavy atoms and rings; NaN where x is no molecule.
    void values_of(marginalia::State x, double* values) const;
    std::unique_ptr<RDKit::RWMol> molecule_of(marginalia::State x) const;  // null: none
    void compute(const RDKit::ROMol& molecule, double* values) const;

    const TokenRows rows_;
    const std::vector<Target> targets_;
    const double invalid_;
    const bool needs_all_;
    mutable ValueCache cache_;
};

}  // namespace molecule_properties
