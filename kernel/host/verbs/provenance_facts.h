// A provenance record as short facts that can be shown and compared.
#pragma once

#include <map>
#include <string>

namespace marginalia {

// "commit" -> "3f2a… with changes 81c2d0aa", "torch" -> "2.13.0", "plugin energy ising" -> "sha256 81c2d0…". The record
// is the JSON of kernel/host/run/provenance.h; unknown parts are left out.
std::map<std::string, std::string> provenance_facts(const std::string& provenance);

}  // namespace marginalia
